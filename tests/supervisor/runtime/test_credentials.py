"""Where secrets come from, and where they never show."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from supervisor.protocol.conversation import ModelEndpoint
from supervisor.protocol.errors import ConfigError
from supervisor.protocol.requests import Auth
from supervisor.runtime.credentials import Credentials
from tests.packaging.project import ROOT
from tests.slowness import scaled

NAME = "TWILIO_AUTH_TOKEN"
SECRET = "hunter2-and-some-more"


def credentials(state: Path, **environ: str) -> Credentials:
    return Credentials(state, environ)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_secret_comes_from_the_environment(tmp_path: Path) -> None:
    assert credentials(tmp_path, TWILIO_AUTH_TOKEN=SECRET).secret(NAME) == SECRET


def test_a_secret_comes_from_the_file_that_the_environment_names(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"  {SECRET}\n", encoding="utf-8")
    assert credentials(tmp_path, TWILIO_AUTH_TOKEN_FILE=str(tmp_path / "token")).secret(NAME) == SECRET


@pytest.mark.parametrize("environ", [{}, {NAME: ""}, {f"{NAME}_FILE": ""}])
def test_a_secret_that_is_not_set_is_none(tmp_path: Path, environ: dict[str, str]) -> None:
    assert Credentials(tmp_path, environ).secret(NAME) is None


def test_a_secret_that_is_set_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="both TWILIO_AUTH_TOKEN and TWILIO_AUTH_TOKEN_FILE are set") as caught:
        credentials(tmp_path, TWILIO_AUTH_TOKEN=SECRET, TWILIO_AUTH_TOKEN_FILE="/x").secret(NAME)
    assert SECRET not in f"{caught.value!r}"


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "cannot be read"), (b"", "is empty"), (b" \n", "is empty"), (b"\xff\xfe", "cannot be read")],
)
def test_a_file_that_holds_no_secret_is_refused_by_name(tmp_path: Path, content: bytes | None, problem: str) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=problem) as caught:
        credentials(tmp_path, TWILIO_AUTH_TOKEN_FILE=str(path)).secret(NAME)
    assert caught.value.key == "TWILIO_AUTH_TOKEN_FILE"


def test_a_generated_secret_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    made = credentials(tmp_path).generated("jwt")
    assert len(made) == 32
    assert mode(tmp_path / "secrets" / "jwt") == 0o600
    assert mode(tmp_path / "secrets") == 0o700
    assert credentials(tmp_path).generated("jwt") == made
    assert credentials(tmp_path).generated("audit") != made
    assert sorted(path.name for path in (tmp_path / "secrets").iterdir()) == ["audit", "jwt"]


def test_the_operators_token_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    made = credentials(tmp_path).operator_token()
    assert made.startswith("xsw_")
    assert len(made) == 47
    assert mode(tmp_path / "operator.token") == 0o600
    assert credentials(tmp_path).operator_token() == made
    assert [path.name for path in tmp_path.iterdir()] == ["operator.token"]


def test_no_two_machines_make_the_same_secret(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert credentials(tmp_path).generated("jwt") != credentials(tmp_path / "other").generated("jwt")
    assert credentials(tmp_path).operator_token() != credentials(tmp_path / "other").operator_token()


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o620, 0o666])
def test_a_secret_that_others_can_reach_is_refused_with_the_remedy(tmp_path: Path, bits: int) -> None:
    credentials(tmp_path).generated("jwt")
    credentials(tmp_path).operator_token()
    for path in (tmp_path / "secrets" / "jwt", tmp_path / "operator.token"):
        path.chmod(bits)
        with pytest.raises(ConfigError, match="can be read by other users") as caught:
            credentials(tmp_path).generated("jwt") if path.name == "jwt" else credentials(tmp_path).operator_token()
        assert caught.value.remedy == f"chmod 600 {path}"


@pytest.mark.parametrize("content", [b"", b"\n", b"abc", b"zz" * 32, b"ab" * 31, b"ab" * 33, b"\xff\x00" * 16])
def test_a_damaged_secret_is_refused_and_never_replaced_behind_ones_back(tmp_path: Path, content: bytes) -> None:
    credentials(tmp_path).generated("jwt")
    (tmp_path / "secrets" / "jwt").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        credentials(tmp_path).generated("jwt")
    assert caught.value.key == str(tmp_path / "secrets" / "jwt")
    assert caught.value.remedy == "delete the file: a new one is generated"
    assert (tmp_path / "secrets" / "jwt").read_bytes() == content


def test_an_empty_operator_token_lets_nobody_in(tmp_path: Path) -> None:
    credentials(tmp_path).operator_token()
    (tmp_path / "operator.token").write_text("\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="is empty"):
        credentials(tmp_path).operator_token()


def test_a_state_directory_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be used: No such file or directory"):
        credentials(tmp_path / "gone").generated("jwt")
    (tmp_path / "operator.token").mkdir(mode=0o700)
    with pytest.raises(ConfigError, match="cannot be used: Is a directory"):
        credentials(tmp_path).operator_token()


def test_a_half_written_secret_of_a_crash_disturbs_nobody(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir(mode=0o700)
    (tmp_path / "secrets" / ".jwt.crashed").write_text("ab", encoding="utf-8")
    assert len(credentials(tmp_path).generated("jwt")) == 32


PROCESS = """
import sys
from pathlib import Path
from supervisor.runtime.credentials import Credentials
credentials = Credentials(Path(sys.argv[1]), {})
sys.stdin.readline()
print(credentials.generated("jwt").hex(), credentials.operator_token())
"""


def test_processes_that_start_at_once_get_the_same_secrets(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROCESS, str(tmp_path)]
    processes = [
        subprocess.Popen(command, cwd=ROOT, env={}, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = {process.communicate(timeout=scaled(60))[0] for process in processes}
    assert [process.returncode for process in processes] == [0] * 4
    assert len(printed) == 1
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["jwt", "operator.token", "secrets"]


def test_what_was_handed_out_is_known_to_the_log(tmp_path: Path) -> None:
    given = credentials(tmp_path, TWILIO_AUTH_TOKEN=SECRET, SMTP_PASSWORD="never asked for")
    assert given.known() == []
    key, token = given.generated("jwt"), given.operator_token()
    assert given.secret(NAME) == SECRET
    assert set(given.known()) == {SECRET, key.hex(), token}


def test_no_secret_shows_in_a_repr(tmp_path: Path) -> None:
    given = credentials(tmp_path, TWILIO_AUTH_TOKEN=SECRET)
    given.secret(NAME)
    secrets = [SECRET, given.operator_token(), given.generated("jwt").hex(), repr(given.generated("jwt"))]
    shown = f"{given!r} {given} {Auth(token=SECRET)!r} {ModelEndpoint(base_url='http://x', token=SECRET)!r}"
    assert not [secret for secret in secrets if secret in shown]
