"""config.toml, the code and docs/configuration.md have the same keys and defaults."""

from __future__ import annotations

import importlib
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import MISSING, asdict, fields, is_dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import tomli_w

from supervisor import config
from supervisor.config import Config, ProjectConfig
from tests.packaging.project import ROOT

DEMARK = re.compile(r"^#(?=[\[a-z])", re.MULTILINE)
"""A comment mark before a key or a table; one before a sentence is followed by a blank."""

REQUIRED = object()


def test_every_comment_mark_in_config_toml_hides_a_key_or_begins_a_sentence() -> None:
    lines = (ROOT / "config.toml").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not re.match(r"# \S|#[\[a-z]", line)] == []


def test_config_toml_as_it_is_changes_nothing() -> None:
    assert config.load(ROOT / "config.toml") == Config()


def test_config_toml_holds_every_key_at_its_default_and_nothing_else() -> None:
    expected = tables_of_the_code()
    found = tables_of_config_toml()
    assert {name: set(keys) for name, keys in found.items()} == {name: set(keys) for name, keys in expected.items()}
    given = {
        f"{name}.{key}": (found[name][key], default)
        for name, keys in expected.items()
        for key, default in keys.items()
        if default not in (REQUIRED, None)
    }
    assert {key: pair for key, pair in given.items() if pair[0] != pair[1]} == {}


def test_every_key_of_config_toml_has_a_sentence_above_it() -> None:
    lines = (ROOT / "config.toml").read_text(encoding="utf-8").splitlines()
    assert [line for above, line in pairwise(lines) if DEMARK.match(line) and above[:2] != "# "] == []


def test_config_toml_is_valid_with_its_comment_marks_removed(tmp_path: Path) -> None:
    text = DEMARK.sub("", (ROOT / "config.toml").read_text(encoding="utf-8"))
    table = tomllib.loads(text)
    del table["budgets"]  # absent by default: its keys stand there with examples
    del table["channels"]["mail"]["lmtp"]["path"]  # stands for host and port
    for source in ("secret_file", "jwks_file"):  # stand for jwks_url
        del table["auth"]["issuers"]["example"][source]
    table["channels"]["sms"]["from_number"] = "+15005550006"  # required without a messaging service
    table["mcp"]["example"]["command"] = "server"  # required without a url
    path = tmp_path / "config.toml"
    path.write_text(tomli_w.dumps(table), encoding="utf-8")
    loaded = config.load(path)
    for name, channel in loaded.channels.items():
        config.parse(importlib.import_module(f"channels.{name}.plugin").PLUGIN.config, channel, f"channels.{name}")
    assert replace(loaded, projects={}, mcp={}, channels={}, auth=config.Auth()) == Config()


@pytest.mark.parametrize(
    ("connector", "table"), [("claude_code", "claude_code"), ("remote", "claude_code"), ("assistant", "assistant")]
)
def test_a_connector_has_the_defaults_of_its_table(connector: str, table: str) -> None:
    ours = vars_of(importlib.import_module(f"connectors.{connector}.plugin").PLUGIN.config())
    given = vars_of(getattr(Config(), table))
    both = [key for key in ours if given.get(key, "") != ""]  # an empty text stands for the connector's default
    assert both
    assert {key: ours[key] for key in both} == {key: given[key] for key in both}


def vars_of(settings: Any) -> dict[str, Any]:
    """Return the fields of a dataclass with their values."""
    return {item.name: getattr(settings, item.name) for item in fields(settings)}


def test_the_documentation_has_a_row_for_every_key_with_its_default() -> None:
    expected = {
        re.sub(r"\.example$", ".NAME", name): {key: shown(default) for key, default in keys.items()}
        for name, keys in tables_of_the_code().items()
    }
    expected["channels.mail"] |= {"smtp": "required", "lmtp": "all at default"}
    assert tables_of_the_documentation() == expected


def test_the_documentation_names_every_environment_variable_that_is_read() -> None:
    read = set()
    for place in ("supervisor", "channels", "cli", "connectors/assistant", "connectors/remote"):
        for path in (ROOT / place).rglob("*.py"):
            read |= set(re.findall(r'["{](([A-Z]+_)+[A-Z]+)["}]', path.read_text(encoding="utf-8")))
    ours = re.compile(r"(XSWARM|XDG|ANTHROPIC|TWILIO_AUTH|SMTP|SUPERVISOR|CLAUDE_CODE)_|NO_COLOR")
    names = {name.removesuffix("_FILE") for name, _ in read if ours.match(name) and name not in NOT_READ}
    documented = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", (ROOT / "docs" / "configuration.md").read_text()))
    assert names >= {"XSWARM_CONFIG", "SUPERVISOR_TOKEN", "ANTHROPIC_API_KEY", "TWILIO_AUTH_TOKEN"}
    assert names - documented == set()


NOT_READ = frozenset({"ANTHROPIC_BASE_URL", "XSWARM_PROCESS", "XSWARM_STATE"})
"""Given to an agent; no setting of ours."""


def tables_of_the_code() -> dict[str, dict[str, Any]]:
    """Return each table's keys with their defaults, REQUIRED where there is none."""
    tables: dict[str, Any] = {}
    hints = get_type_hints(Config)
    for item in fields(Config):
        if is_dataclass(kind := hints[item.name]):
            tables[item.name] = kind
    tables |= {"budgets": config.BudgetConfig, "projects.example": ProjectConfig, "mcp.example": config.McpConfig}
    tables |= {"auth.issuers.example": config.IssuerConfig, "auth.oidc.example": config.OidcConfig}
    for name in channels():
        tables[f"channels.{name}"] = importlib.import_module(f"channels.{name}.plugin").PLUGIN.config
    found = {name: keys for table, kind in tables.items() for name, keys in flattened(table, kind)}
    del found["auth"]["issuers"], found["auth"]["oidc"]  # tables of their own
    return found


def flattened(table: str, kind: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    keys = {}
    for item in fields(kind):
        nested = get_type_hints(kind)[item.name]
        if is_dataclass(nested):
            yield from flattened(f"{table}.{item.name}", nested)
        else:
            default = item.default if item.default_factory is MISSING else item.default_factory()
            keys[item.name] = plain(default)
    yield table, keys


def plain(value: Any) -> Any:
    if value is MISSING:
        return REQUIRED
    return list(value) if isinstance(value, tuple) else value


def channels() -> list[str]:
    return sorted(path.parent.name for path in (ROOT / "channels").glob("*/plugin.py"))


def tables_of_config_toml() -> dict[str, dict[str, Any]]:
    text = DEMARK.sub("", (ROOT / "config.toml").read_text(encoding="utf-8"))
    return dict(flat_tables("", tomllib.loads(text)))


def flat_tables(name: str, table: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    keys = {key: value for key, value in table.items() if not isinstance(value, dict) or not value}
    if keys:
        yield name, keys
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from flat_tables(f"{name}.{key}".strip("."), value)


def shown(default: Any) -> str:
    if default is REQUIRED:
        return "required"
    return "none" if default is None else f"`{json.dumps(default)}`"


def tables_of_the_documentation() -> dict[str, dict[str, str]]:
    tables: dict[str, dict[str, str]] = {}
    keys: dict[str, str] = {}
    for line in (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            heading = re.fullmatch(r"## `\[(.+)\]`", line)
            keys = tables.setdefault(heading[1], {}) if heading else {}
        elif row := re.fullmatch(r"\| `(\w+)` \| (.+?) \| .+ \|", line):
            keys[row[1]] = row[2]
    return tables


def test_the_assistants_numbers_are_those_of_its_connector() -> None:
    plugin = importlib.import_module("connectors.assistant.plugin").PLUGIN
    theirs, ours = asdict(plugin.config()), asdict(config.Assistant())
    assert {key: value for key, value in ours.items() if value != ""} == {
        key: theirs[key] for key, value in ours.items() if value != ""
    }
    assert set(ours) == set(theirs)
