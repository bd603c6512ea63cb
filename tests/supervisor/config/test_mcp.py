"""The tables of tool servers are checked when config.toml is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor import config
from supervisor.protocol.errors import ConfigError
from supervisor.protocol.status import Role


def load(folder: Path, text: str) -> config.Config:
    path = folder / "config.toml"
    path.write_text(text)
    return config.load(path)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    loaded = load(
        tmp_path, '[mcp.one]\ncommand = "bin/server"\n[mcp.two]\ncommand = "npx"\ncwd = "two"\nroles = ["ADMIN"]\n'
    )
    assert loaded.mcp["one"].command == str(tmp_path / "bin/server")
    assert loaded.mcp["one"].cwd == str(tmp_path)
    assert loaded.mcp["two"].command == "npx"
    assert loaded.mcp["two"].cwd == str(tmp_path / "two")
    assert loaded.mcp["two"].roles == (Role.ADMIN,)


def test_values_of_the_environment_are_not_shown(tmp_path: Path) -> None:
    loaded = load(tmp_path, '[mcp.one]\ncommand = "x"\nenv = { A = "a-secret" }\n')
    assert "a-secret" not in repr(loaded)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("[mcp.One]\ncommand = 'x'", "a server's name must be"),
        ("[mcp.a__b]\ncommand = 'x'", "a server's name must be"),
        ("[mcp.abcdefghijklmnopqrstuvwxy]\ncommand = 'x'", "a server's name must be"),
        ("[mcp.a]\n", "must have either a command or a url"),
        ("[mcp.a]\ncommand = 'x'\nurl = 'https://x.example'", "must have either a command or a url"),
        ("[mcp.a]\nurl = 'http://x.example/mcp'", "mcp.a.url: must be https://HOST/PATH"),
        ("[mcp.a]\nurl = 'https://x.example'\nenv = { A = 'b' }", "args and env belong to a command"),
        ("[mcp.a]\ncommand = 'x'\nheaders = { A = 'b' }", "headers to a url"),
        ("[mcp.a]\ncommand = 'x'\nenv = { 'A B' = 'b' }", "mcp.a.env: 'A B' is not a valid name"),
        (
            "[mcp.a]\nurl = 'https://x.example'\nheaders = { A = \"b\\nC: d\" }",
            "mcp.a.headers: 'A' is not a valid name",
        ),
        ("[mcp.a]\ncommand = 'x'\ntimeout_seconds = 0", "mcp.a.timeout_seconds: must be greater than 0"),
        ("[mcp.a]\ncommand = 'x'\nroles = ['NURSE']", "mcp.a.roles"),
        ("[mcp.a]\ncommand = 'x'\nperson_fields = ['a.b.c']", "mcp.a.person_fields: must be names of fields"),
        (
            "[mcp.a]\ncommand = 'x'\npreviews = { swap = 'look' }",
            "mcp.a.previews: 'look' must be a tool of read_only, and 'swap' none",
        ),
        ("[mcp.a]\ncommand = 'x'\nname_fields = ['']", "mcp.a.name_fields: must be names of fields"),
        ("[mcp.a]\ncommand = 'x'\nread_onyl = []", "mcp.a.read_onyl: unknown key"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(table: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, table)
    assert problem in str(caught.value)
