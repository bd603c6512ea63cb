"""What goes wrong around the daemon: Claude Code, the mail server, Twilio, the disk; and what must never be said."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from connectors.claude_code.watchdog import TimeLimits
from tests import proc
from tests.e2e.process import LOADED
from tests.e2e.world import HANG, World, script, write_file
from tests.slowness import scaled
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process, pytest.mark.asyncio(loop_scope="module")]

API_KEY = "sk-ant-canary-of-the-api-key"
SMTP_PASSWORD = "canary-of-the-smtp-password"
JWT_SECRET = "canary-of-the-jwt-secret-which-is-long-enough"

LIMIT = "session_memory_mb = 1000"

TURN_SECONDS = scaled(20.0)
"""A whole turn of a Claude Code that works takes less."""

HANGS = (
    f"the turn took longer than {TURN_SECONDS:g} seconds"
    if TimeLimits().acceptance > TURN_SECONDS
    else "it did not take up the message"
)
"""What ends first where Claude Code does nothing: on a very slow machine the turn here may take longer than that."""

TROUBLED = {
    "dies": ("ready(); sys.stdin.readline(); sys.stderr.write('out of luck'); sys.exit(7)", "Claude Code failed: "),
    "garbage": ("print('Welcome! Please log in'); sys.exit(3)", "Failed to connect to Claude Code: "),
    "hangs": ("ready(); time.sleep(1000)", HANGS),
    "greedy": (
        "ready(); sys.stdin.readline(); held = bytearray(b'x' * 1_200_000_000); time.sleep(1000)",
        "Claude Code failed: it needed more than 1000 MB of memory (",
    ),
    "missing": ("", "Failed to connect to Claude Code: there is no Claude Code at "),
}
"""By project: what is run there instead of Claude Code, and what alice is told."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    secrets = {"ANTHROPIC_API_KEY": API_KEY, "SMTP_PASSWORD": SMTP_PASSWORD, "XSWARM_JWT_SECRET": JWT_SECRET}
    folder = tmp_path_factory.mktemp("world")
    async with World(
        folder,
        projects=("site", *TROUBLED),
        turn_timeout=TURN_SECONDS,
        drain=1.0,
        secrets=secrets,
        claude_code=LIMIT,
        prefix=LOADED,
    ) as world:
        for name, (program, _) in TROUBLED.items():
            (world.project(name) / "cli.py").write_text(program, encoding="utf-8")
        await world.start()
        yield world


async def test_whoever_texts_a_claude_code_that_does_not_work_is_told_why(world: World) -> None:
    for name in ("hangs", "dies", "garbage", "greedy"):
        assert await world.text(f"@{name} list the files") == 200
    told = {name: await world.answer(f"[{name}] ") for name in ("dies", "garbage", "greedy")}
    world.cli.unlink()
    assert await world.text("@missing list the files") == 200
    told["missing"] = await world.answer("[missing] ")
    world.restore_cli()
    told["hangs"] = await world.answer("[hangs] ")
    for name, text in told.items():
        assert TROUBLED[name][1] in text, name
        assert "Traceback" not in text
    assert "smaller steps, or raise claude_code.session_memory_mb" in told["greedy"]
    assert "out of luck" in told["dies"] or "ended" in told["dies"]
    assert (await world.ready())[0] == 200
    # It works again where it works: nothing of this was the daemon's undoing.
    assert "[site] " in await world.ask("@site list the files")


async def test_mail_that_cannot_be_taken_in_is_reported_and_taken_in_later(world: World) -> None:
    await world.daemon.stop()
    world.lmtp.parent.rmdir()
    await world.start()
    assert await world.ready() == (503, {"store": "ok", "sms": "ok", "mail": "failed", **REPLIES})
    assert any("mail is restarted in" in line and "lmtp.path: cannot listen on" in line for line in world.daemon.log)
    assert (await world.ask("assistant: hello")).endswith("(offline model)")

    world.lmtp.parent.mkdir()

    async def works() -> bool:
        return (await world.ready())[0] == 200

    await until(works, "mail works again", 60)
    known = len(world.mailbox.messages)
    assert await world.mail("Hello", "assistant: hello") == "250 2.0.0 OK"
    await until(lambda: len(world.mailbox.messages) > known, "the mail is answered", 60)
    assert not any("Traceback" in line for line in world.daemon.log)


REPLIES = {f"replies by {name}": "ok" for name in ("sms", "mail", "socket")}


async def test_replies_wait_for_a_twilio_that_is_down(world: World) -> None:
    known = len(world.answers())
    await world.twilio_goes_down()
    assert await world.text("assistant: hello") == 200
    await until(lambda: any("was not sent, retry in" in line for line in world.daemon.log), "a send has failed", 60)
    assert (await world.ready())[0] == 200  # a provider is no part of ours
    await world.twilio_comes_back()
    await until(lambda: len(world.answers()) > known, "the reply leaves", 60)
    assert len(world.answers()) == known + 1


async def test_no_secret_is_said_anywhere(world: World) -> None:
    site = world.project("site")
    service = await world.service_token()
    refused = [await world.client.get(world.http + "/api/costs", headers=bearer(token)) for token in wrong(world)]
    assert [response.status_code for response in refused] == [401] * len(refused)
    async with world.socket() as connection:
        await connection.send(json.dumps({"type": "auth", "token": world.daemon.token + "x"}))
        said = [await connection.recv()]
        await connection.send(json.dumps({"type": "claude_code_connect", "token": service}))
        said.append(await connection.recv())
    assert (await world.client.post(world.webhook, data={"Body": world.twilio_token})).status_code == 403
    assert "Write" in await world.ask("@site " + script(write_file(site / "env.txt", "x"), {"text": "Write: done"}))
    await world.text("@site " + script(HANG))
    await until(lambda: len(world.turns("running")) == 1, "a turn runs", 60)

    ours = [world.daemon.token, world.twilio_token, service, API_KEY, SMTP_PASSWORD, JWT_SECRET, *generated(world)]
    sessions = set()
    for pid in world.agents():
        environ, command = (proc.read(pid, name) for name in ("environ", "cmdline"))
        keys = (entry.partition(b"=") for entry in environ.split(b"\0"))
        own = [value.decode() for name, _, value in keys if name == b"ANTHROPIC_API_KEY"]
        sessions.update(own)
        assert found(ours, environ.decode()) == []
        assert found([*ours, *own], command.decode()) == []
    assert sessions  # each session has one for the gateway: in its own environment, and nowhere else
    every = [*ours, *sessions]
    assert found(every, "".join(world.daemon.log)) == []
    assert found(every, "".join(response.text for response in refused) + "".join(map(str, said))) == []
    assert found(every, "".join(world.answers())) == []
    kept = world.kept()
    assert ".jsonl" in {path.suffix for path in kept}
    for path, text in kept.items():
        if "secrets" not in path.parts and path.name != "operator.token":
            assert found(every, text) == [], path


def wrong(world: World) -> list[str]:
    return [f"{world.daemon.token}x", API_KEY, world.twilio_token]


def generated(world: World) -> list[str]:
    return [path.read_text() for path in (world.daemon.state / "secrets").iterdir()]


def found(secrets: list[str], text: str) -> list[str]:
    return [secret for secret in secrets if secret in text]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own for the daemon's state."""
    disk = tmp_path / "state"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", str(disk)], capture_output=True
    ).returncode:
        pytest.skip("mounting a small disk takes root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


async def test_on_a_full_disk_nothing_is_accepted_until_there_is_room(tmp_path: Path, small_disk: Path) -> None:
    async with World(tmp_path, connector="echo") as world:
        await world.start()
        assert await world.ask("assistant: hello")
        async with world.socket() as connection:
            filler = fill(small_disk)
            assert await world.text("assistant: hello") == 503
            assert (await world.mail("Hello", "assistant: hello")).startswith("451 ")
            assert (await ask(connection, "assistant: hello"))["code"] == "storage"
            rows = len(world.answers())

            filler.unlink()
            assert (await ask(connection, "assistant: hello"))["type"] == "message_response"
            assert await world.mail("Hello", "assistant: hello") == "250 2.0.0 OK"
            assert await world.ask("assistant: hello again")
            assert len(world.answers()) == rows + 1
        await until(lambda: len(world.mailbox.messages) == 1, "the mail is answered")
        assert await world.daemon.stop() == 0


def fill(disk: Path) -> Path:
    """Leave no byte free; return what takes the room."""
    path = disk / "filler"
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(os.urandom(size))
            except OSError:
                continue
    return path


async def ask(connection: Any, text: str) -> dict[str, Any]:
    await connection.send(json.dumps({"type": "message", "user_id": "alice", "message": text}))
    answer: dict[str, Any] = json.loads(await connection.recv())
    return answer
