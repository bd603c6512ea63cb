"""Loading of config.toml, and the errors for invalid values."""

from __future__ import annotations

import importlib
import re
from dataclasses import replace
from pathlib import Path

import pytest
import tomli_w

from supervisor import config
from supervisor.config import Config, ProjectConfig
from supervisor.protocol.errors import ConfigError
from supervisor.protocol.status import Permissions

SECRET = "hunter2-and-some-more"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def load(tmp_path: Path, text: str) -> Config:
    return config.load(write(tmp_path, text))


def refusal(tmp_path: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    return caught.value


# Types and keys.


def test_without_a_file_everything_has_its_default() -> None:
    assert config.load(None) == Config()


def test_an_empty_file_has_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, "") == Config()


def test_values_of_the_file_replace_the_defaults(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        """
        [supervisor]
        port = 0
        drain_seconds = 3
        [routing]
        keywords = ["ship"]
        [projects.site]
        path = "/srv/site"
        permissions = "edit"
        users = ["ada"]
        [channels.sms]
        account_sid = "AC1"
        """,
    )
    assert (loaded.supervisor.port, loaded.supervisor.drain_seconds) == (0, 3.0)
    assert loaded.routing.keywords == ("ship",)
    site = ProjectConfig(path="/srv/site", permissions=Permissions.EDIT, users=("ada",))
    assert loaded.projects == {"site": site}
    assert loaded.channels == {"sms": {"account_sid": "AC1"}}
    assert loaded.http == Config().http


@pytest.mark.parametrize(
    ("text", "key", "known"),
    [
        ("prot = 1", "prot", "supervisor"),
        ("[supervisr]\nport = 1", "supervisr", "supervisor"),
        ("[supervisor]\nprot = 1", "supervisor.prot", "port"),
        ("[budgets]\ndaily = 1", "budgets.daily", "user_daily_usd"),
        ("[projects.site]\npath = '/x'\nmodl = 'm'", "projects.site.modl", "permissions"),
    ],
)
def test_an_unknown_key_is_named_with_the_known_ones(tmp_path: Path, text: str, key: str, known: str) -> None:
    error = refusal(tmp_path, text)
    assert error.key == key
    assert "unknown key" in str(error)
    assert known in str(error)


@pytest.mark.parametrize(
    ("text", "key", "must"),
    [
        ("[supervisor]\nport = '9999'", "supervisor.port", "integer"),
        ("[supervisor]\nport = true", "supervisor.port", "integer, not True"),
        ("[supervisor]\nport = 1.5", "supervisor.port", "integer, not 1.5"),
        ("[supervisor]\ndrain_seconds = '5'", "supervisor.drain_seconds", "number"),
        ("[supervisor]\nallowed_origins = 'x'", "supervisor.allowed_origins", "array"),
        ("[supervisor]\nallowed_origins = [1]", "supervisor.allowed_origins.0", "string"),
        ("[claude_code]\ntrack_costs = 1", "claude_code.track_costs", "boolean"),
        ("[assistant]\nmodel = 2024-01-01", "assistant.model", "string"),
        ("[log]\nlevel = 'loud'", "log.level", "'debug', 'info', 'warning' or 'error'"),
        ("[claude_code]\nsandbox = 'maybe'", "claude_code.sandbox", "'required' or 'off'"),
        ("[projects.site]\npath = '/x'\npermissions = 'all'", "projects.site.permissions", "'ask', 'edit' or 'full'"),
        ("[projects.site]\nusers = []", "projects.site.path", "required"),
        ("supervisor = 1", "supervisor", "object"),
        ("[channels]\nsms = 1", "channels.sms", "object"),
        ("claude_code = 1", "claude_code", "object"),
    ],
)
def test_a_wrong_type_names_the_key_and_what_it_must_be(tmp_path: Path, text: str, key: str, must: str) -> None:
    error = refusal(tmp_path, text)
    assert error.key == key
    assert must in str(error)


# What makes no sense.


@pytest.mark.parametrize(
    ("text", "key", "must"),
    [
        ("[supervisor]\nhost = '0.0.0.0'", "supervisor.host", "loopback"),
        ("[http]\nhost = 'example.org'", "http.host", "loopback"),
        ("[supervisor]\nport = 65536", "supervisor.port", "0 to 65535"),
        ("[http]\nport = -1", "http.port", "0 to 65535"),
        ("[http]\npublic_url = 'example.org'", "http.public_url", "https://"),
        ("[http]\npublic_url = 'http://example.org'", "http.public_url", "loopback"),
        ("[http]\npublic_url = 'https://'", "http.public_url", "https://"),
        ("[http]\npublic_url = 'https://u:p@example.org'", "http.public_url", "password"),
        ("[http]\npublic_url = 'https://example.org:x'", "http.public_url", "https://"),
        ("[http]\npublic_url = 'https://example.org?a=1'", "http.public_url", "query"),
        ("[http]\ntrusted_proxies = ['*']", "http.trusted_proxies", "IP addresses"),
        ("[supervisor]\nallowed_origins = ['*']", "supervisor.allowed_origins", "https://HOST"),
        ("[supervisor]\nallowed_origins = ['https://a.example/x']", "supervisor.allowed_origins", "https://HOST"),
        ("[supervisor]\ndrain_seconds = 0", "supervisor.drain_seconds", "greater than 0"),
        ("[supervisor]\ndrain_seconds = inf", "supervisor.drain_seconds", "greater than 0"),
        ("[supervisor]\nack_after_seconds = -1", "supervisor.ack_after_seconds", "0 or more"),
        ("[supervisor]\nack_after_seconds = nan", "supervisor.ack_after_seconds", "0 or more"),
        ("[http]\nquery_token_max_seconds = 0", "http.query_token_max_seconds", "greater than 0"),
        ("[claude_code]\nmax_sessions = 0", "claude_code.max_sessions", "greater than 0"),
        ("[claude_code]\nmax_processes = 0", "claude_code.max_processes", "greater than 0"),
        ("[claude_code]\nmax_sessions_per_user = -1", "claude_code.max_sessions_per_user", "0 or more"),
        ("[claude_code]\nturn_timeout_seconds = 0", "claude_code.turn_timeout_seconds", "greater than 0"),
        ("[claude_code]\nidle_timeout_seconds = -1", "claude_code.idle_timeout_seconds", "0 or more"),
        ("[assistant]\nmax_tokens = 0", "assistant.max_tokens", "greater than 0"),
        ("[assistant]\nhistory_tokens = -1", "assistant.history_tokens", "0 or more"),
        ("[routing]\nfollowup_seconds = -1", "routing.followup_seconds", "0 or more"),
        ("[routing]\nkeywords = ['pull request']", "routing.keywords", "single words"),
        ("[routing]\nkeywords = ['']", "routing.keywords", "single words"),
        ("[routing]\ndefault_project = 'site'", "routing.default_project", "one of [projects]"),
        ("[limits]\nmessages_per_minute = 0", "limits.messages_per_minute", "greater than 0"),
        ("[limits]\nmessages_per_hour = 0", "limits.messages_per_hour", "greater than 0"),
        ("[projects.'a b']\npath = '/x'", "projects.a b", "must match"),
        ("[projects.Site]\npath = '/x'\n[projects.site]\npath = '/y'", "projects.site", "upper and lower case"),
        ("[projects.site]\npath = ''", "projects.site.path", "path of a folder"),
        ('[projects.site]\npath = "/x\\u0000"', "projects.site.path", "path of a folder"),
        ("[projects.site]\npath = '~no-such-user-here/x'", "projects.site.path", "home directory"),
        ("[budgets]\nsession_usd = 0.0", "budgets.session_usd", "must be greater than 0"),
        ("[budgets]\n[claude_code]\ntrack_costs = false", "claude_code.track_costs", "must be true"),
    ],
)
@pytest.mark.requirement(1, 2)
def test_an_invalid_value_names_the_key_and_what_it_must_be(tmp_path: Path, text: str, key: str, must: str) -> None:
    error = refusal(tmp_path, text)
    assert error.key == key
    assert must in str(error)


@pytest.mark.parametrize(
    "text",
    [
        "[supervisor]\nhost = 'localhost'\nport = 0\nack_after_seconds = 0",
        "[http]\nhost = '::1'\npublic_url = 'https://example.org/base'\ntrusted_proxies = ['10.0.0.0/8', '::1']",
        "[http]\npublic_url = 'http://127.0.0.1:8787'",
        "[supervisor]\nallowed_origins = ['https://a.example', 'http://localhost:5173']",
        "[claude_code]\nidle_timeout_seconds = 0\nmax_sessions_per_user = 0\ntrack_costs = false",
        "[assistant]\nhistory_tokens = 0",
        "[projects.site]\npath = '/x'\n[routing]\ndefault_project = 'site'\nfollowup_seconds = 0",
    ],
)
def test_a_value_at_the_limit_is_valid(tmp_path: Path, text: str) -> None:
    load(tmp_path, text)


# Files.


def test_invalid_toml_names_the_position(tmp_path: Path) -> None:
    assert re.search(r"config\.toml is not TOML: .*line 2", str(refusal(tmp_path, "[supervisor]\nport = \n")))


def test_a_binary_file_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot read"):
        config.load(path)


def test_a_folder_in_place_of_the_file_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        config.load(tmp_path)


def test_project_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    loaded = load(tmp_path, "[projects.site]\npath = '../site/./x'")
    assert loaded.projects["site"].path == str(tmp_path.parent / "site" / "x")


def test_project_paths_below_the_home_directory_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert load(tmp_path, "[projects.site]\npath = '~/site'").projects["site"].path == "/home/ada/site"


def test_the_state_directory_is_relative_to_the_file(tmp_path: Path) -> None:
    assert load(tmp_path, "[state]\ndir = 'state'").state_dir == tmp_path / "state"


def test_attached_files_lie_in_the_state_directory_or_in_what_all_nodes_share(tmp_path: Path) -> None:
    assert load(tmp_path, "[state]\ndir = 'state'").uploads_dir == tmp_path / "state" / "uploads"
    shared = "[store]\nurl = 'postgresql://127.0.0.1/xswarm'\n[cluster]\nshared_dir = 'shared'"
    assert load(tmp_path, shared).uploads_dir == tmp_path / "shared" / "uploads"
    assert load(tmp_path, shared).upload_dirs[1] == load(tmp_path, shared).state_dir / "uploads"
    assert load(tmp_path, shared).own_folders == (load(tmp_path, shared).state_dir, tmp_path / "shared")


def test_the_default_state_directory_is_that_of_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/ada")
    assert Config().state_dir == Path("/home/ada/.local/state/xswarm")
    monkeypatch.setenv("XDG_STATE_HOME", "/var/lib")
    assert Config().state_dir == Path("/var/lib/xswarm")


def test_the_environment_overrides_the_address_of_the_remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_CODE_WEBSOCKET_URL", "wss://there.example")
    assert load(tmp_path, "[claude_code]\nwebsocket_url = 'wss://here'").claude_code.websocket_url == (
        "wss://there.example"
    )
    assert config.load(None).claude_code.websocket_url == "wss://there.example"
    assert config.load(None).claude_code.connector == "claude_code"


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory and a home of their own, without a config file."""
    (tmp_path / "here").mkdir()
    (tmp_path / "home" / "xswarm").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    return tmp_path


def test_the_file_is_looked_for_in_four_places_in_order(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert config.find(None) is None
    home = write(places / "home" / "xswarm", "")
    assert config.find(None) == home
    write(places / "here", "")
    assert config.find(None) == Path("config.toml")
    (places / "named.toml").touch()
    monkeypatch.setenv("XSWARM_CONFIG", str(places / "named.toml"))
    assert config.find(None) == places / "named.toml"
    (places / "asked.toml").touch()
    assert config.find(places / "asked.toml") == places / "asked.toml"


def test_a_missing_named_file_is_an_error(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(places / "here", "")
    with pytest.raises(ConfigError, match=r"no such config file: .*gone\.toml") as caught:
        config.find(places / "gone.toml")
    assert "xswarm init" in caught.value.remedy
    monkeypatch.setenv("XSWARM_CONFIG", str(places / "away.toml"))
    with pytest.raises(ConfigError, match=r"away\.toml"):
        config.find(None)


def test_a_config_written_as_toml_reads_back_the_same(tmp_path: Path) -> None:
    written = replace(
        Config(),
        projects={
            "site": ProjectConfig(path="/srv/site", users=("ada",), permissions=Permissions.FULL, concurrent=True)
        },
        channels={"sms": {"account_sid": "AC1"}},
    )
    assert load(tmp_path, tomli_w.dumps(config.as_table(written))) == written


def test_limits_that_are_absent_are_not_written() -> None:
    table = config.as_table(replace(Config(), budgets=config.BudgetConfig(session_usd=2.0)))
    assert table["budgets"] == {"session_usd": 2.0, "reserve_usd": 1.0}


# Secrets.


@pytest.mark.parametrize(
    "text",
    [
        f"[channels.sms]\nauth_token = '{SECRET}'",
        f"[supervisor]\nport = '{SECRET}'",
        f"[supervisor]\ntoken = '{SECRET}'",
        f"[log]\nlevel = '{SECRET}'",
        f"[http]\npublic_url = 'https://u:{SECRET}@example.org'",
        f"ANTHROPIC_API_KEY = '{SECRET}'",
        f"token = '{SECRET}'\nbroken",
    ],
)
def test_a_secret_in_the_file_is_never_printed(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    shown: list[object] = []
    try:
        shown.append(config.load(path))
    except ConfigError as error:
        shown += [error, error.remedy, error.args]
    assert SECRET not in f"{shown} {[str(item) for item in shown]}"


def test_a_secret_in_a_channels_table_is_never_printed() -> None:
    plugin = importlib.import_module("channels.sms.plugin").PLUGIN
    with pytest.raises(ConfigError) as caught:
        config.parse(plugin.config, {"account_sid": "AC1", "auth_token": SECRET}, "channels.sms")
    assert caught.value.key == "channels.sms.auth_token"
    assert SECRET not in f"{caught.value} {caught.value!r}"
