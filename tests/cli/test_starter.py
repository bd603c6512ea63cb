"""The short config.toml that `xswarm init` writes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from cli.starter import SECTIONS, starter
from supervisor import config
from supervisor.config import Config
from supervisor.plugins.loading import check_plugins


def loaded(folder: Path, text: str) -> Config:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return config.load(path)


def test_it_is_short_and_each_section_has_a_comment(tmp_path: Path) -> None:
    text = starter({})
    assert len(text.splitlines()) <= 60
    assert loaded(tmp_path, text) == Config()
    for section in SECTIONS.values():
        assert section.startswith("# ")


def test_its_examples_are_valid(tmp_path: Path) -> None:
    settings = loaded(tmp_path, re.sub(r"^#(?! )", "", starter({}), flags=re.MULTILINE))
    check_plugins(settings)
    assert set(settings.channels) == {"sms", "mail"}
    assert settings.projects["website"].users == ("ada",)
    assert settings.budgets is not None


def test_what_was_chosen_takes_the_place_of_its_example(tmp_path: Path) -> None:
    chosen = {
        "projects": {"a b".replace(" ", "-"): {"path": str(tmp_path)}},
        "http": {"port": 0, "public_url": "https://xswarm.example.org"},
        "channels": {"sms": {"account_sid": "AC" + "0" * 32, "from_number": "+15550100"}},
    }
    text = starter(chosen)
    tables = tomllib.loads(text)
    assert {name: tables[name] for name in chosen} == chosen
    assert "#[projects.website]" not in text
    assert "#[channels.mail]" in text
    assert "# A project: " in text
    assert loaded(tmp_path, text).http.port == 0


def test_without_examples_there_is_only_what_was_chosen_with_its_comment(tmp_path: Path) -> None:
    text = starter({"http": {"port": 0}, "channels": {"sms": {"account_sid": "AC" + "0" * 32}}}, examples=False)
    assert set(tomllib.loads(text)) == {"http", "channels"}
    assert not re.search(r"^#(?! )", text, re.MULTILINE)
    assert "TWILIO_AUTH_TOKEN" in text
