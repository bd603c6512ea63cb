"""`xswarm init`."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from supervisor import config
from supervisor.config import Config
from supervisor.protocol.status import Permissions
from tests.cli.conftest import Outcome, run_process


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def answered(*answers: str) -> Outcome:
    return run_process("init", stdin="".join(answer + "\n" for answer in answers))


def test_defaults_are_what_no_file_means(tmp_path: Path) -> None:
    outcome = run_process("init", "--defaults")
    assert (outcome.code, outcome.out) == (0, "Wrote config.toml.\n")
    assert config.load(tmp_path / "config.toml") == Config()
    assert list(tmp_path.iterdir()) == [tmp_path / "config.toml"]


def test_answers_become_a_configuration_that_loads(tmp_path: Path) -> None:
    (tmp_path / "website").mkdir()
    project = ("my site!", "website", "nowhere", "website", "maybe", "edit", "alice, bob", "")
    sms = ("y", "AC" + "0" * 32, "+15550100", "https://swarm.example.org")
    mail = ("y", "bot@example.org", "mx.example.org", "smtp.example.org", "587", "bot")
    outcome = answered(*project, *sms, *mail)
    assert outcome.code == 0, outcome.err
    loaded = config.load(tmp_path / "config.toml")
    website = loaded.projects["website"]
    assert website.path == str(tmp_path / "website")
    assert website.users == ("alice", "bob")
    assert website.permissions is Permissions.EDIT
    assert loaded.routing.default_project == "website"
    assert loaded.http.public_url == "https://swarm.example.org"
    assert loaded.channels["sms"]["from_number"] == "+15550100"
    assert loaded.channels["mail"]["smtp"]["host"] == "smtp.example.org"
    assert "TWILIO_AUTH_TOKEN" in outcome.err
    assert "SMTP_PASSWORD" in outcome.err


def test_nothing_is_a_good_answer(tmp_path: Path) -> None:
    assert answered("", "", "").code == 0
    assert config.load(tmp_path / "config.toml") == Config()


def test_answer_that_the_daemon_would_refuse_is_not_written(tmp_path: Path) -> None:
    outcome = answered("", "y", "AC1", "+1", "swarm.example.org", "n")
    assert outcome.code == 1
    assert "http.public_url" in outcome.err
    assert not (tmp_path / "config.toml").exists()


def test_end_of_input_writes_nothing(tmp_path: Path) -> None:
    outcome = run_process("init", stdin="")
    assert outcome.code == 1
    assert "Traceback" not in outcome.err
    assert not (tmp_path / "config.toml").exists()


def test_file_that_is_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("# mine\n", encoding="utf-8")
    outcome = run_process("init", "--defaults")
    assert outcome.code == 1
    assert "--force" in outcome.err
    assert path.read_text(encoding="utf-8") == "# mine\n"
    assert run_process("init", "--defaults", "--force").code == 0
    assert tomllib.loads(path.read_text(encoding="utf-8"))["supervisor"]["port"] == 9999


def test_file_may_lie_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "etc" / "x.toml"
    outcome = run_process("init", "--defaults", "--config", str(path))
    assert f"xswarm serve --config {path}" in outcome.err
    assert path.is_file()


def test_projects_can_be_given_without_a_question(tmp_path: Path) -> None:
    (tmp_path / "website").mkdir()
    outcome = run_process("init", "--defaults", "--project", "website=website", "--project", f"all={tmp_path}")
    assert outcome.code == 0, outcome.err
    loaded = config.load(tmp_path / "config.toml")
    assert {name: project.path for name, project in loaded.projects.items()} == {
        "website": str(tmp_path / "website"),
        "all": str(tmp_path),
    }
    assert loaded.projects["website"].permissions is Permissions.ASK
    assert loaded.routing.default_project == "website"
    assert "--project website" in outcome.err
    text = (tmp_path / "config.toml").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 60
    assert "# " in text


@pytest.mark.parametrize("given", ["website", "=x", "website=", "a b=.", "website=missing"])
def test_a_project_that_is_none_is_refused(tmp_path: Path, given: str) -> None:
    outcome = run_process("init", "--defaults", "--project", given)
    assert (outcome.code, outcome.out) == (2, "")
    assert "--project" in outcome.err
    assert not (tmp_path / "config.toml").exists()
