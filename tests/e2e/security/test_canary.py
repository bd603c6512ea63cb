"""Each secret in the daemon's environment is a canary, and an agent dumps all that it can read: no canary appears."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from tests import proc
from tests.e2e.process import LOADED, ROOT
from tests.e2e.world import HANG, World, script
from tests.slowness import scaled
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process]

DUMP = """\
env > seen.txt
for what in environ cmdline; do for process in /proc/[0-9]*; do
  echo "== $what of $process" >> seen.txt; cat $process/$what $process/task/*/$what 2>/dev/null >> seen.txt
done; done
set >> seen.txt; cat seen.txt
"""

FENCES: Mapping[str, Sequence[str]] = {
    "": (),
    "bubblewrap": (),
    "unshare": ("bwrap",),
    "a keeper": ("bwrap", "unshare"),
}
"""By fence: the programs to hide so that the daemon chooses it; "" = the fence in which the sandbox works."""

FOREIGN = "AWS_SECRET_ACCESS_KEY"
"""A variable that is not ours, as the shell that starts a daemon may hold one."""

OF_CLUSTERS = "XSWARM_CLUSTER_SECRET"
"""A daemon on SQLite refuses to start with it."""


def secret_variables() -> list[str]:
    """Return the names of all secrets, from the table of docs/configuration.md."""
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    table = text.partition("## Environment")[2].partition("These are no secrets")[0]
    return re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE)


def canaries() -> dict[str, str]:
    """Return a unique value for each secret; it does not look like a credential, so no pattern masks it."""
    return {name: f"{name.lower().replace('_', '')}{os.urandom(16).hex()}" for name in (*secret_variables(), FOREIGN)}


def path_without(folder: Path, missing: Sequence[str]) -> str:
    """Return a PATH with all programs of this one except the `missing` ones."""
    folder.mkdir()
    for place in reversed(os.environ["PATH"].split(os.pathsep)):
        for program in Path(place).glob("*"):
            link = folder / program.name
            link.unlink(missing_ok=True)
            if program.name not in missing:
                link.symlink_to(program)
    return str(folder)


def test_the_documentation_names_the_secrets() -> None:
    assert {"ANTHROPIC_API_KEY", "TWILIO_AUTH_TOKEN", "SMTP_PASSWORD", "SUPERVISOR_TOKEN"} <= set(secret_variables())


@pytest.mark.parametrize(
    ("fence", "sandbox"), [("", "required"), ("bubblewrap", "off"), ("unshare", "off"), ("a keeper", "off")]
)
@pytest.mark.requirement(24)
async def test_an_agent_that_dumps_all_it_can_see_sees_no_secret(tmp_path: Path, fence: str, sandbox: str) -> None:
    planted = {name: secret for name, secret in canaries().items() if name != OF_CLUSTERS}
    path = path_without(tmp_path / "bin", FENCES[fence])
    world = World(
        tmp_path,
        drain=1.0,
        secrets={**planted, "PATH": path},
        claude_code=f'sandbox = "{sandbox}"',
        tables='[log]\nlevel = "debug"\n',
        prefix=LOADED,
    )
    async with world:
        await world.start()
        assert any(f"fenced by {fence}" in line for line in world.daemon.log)
        service = {"Authorization": f"Bearer {planted['SUPERVISOR_TOKEN']}"}
        async with connect(
            world.daemon.addresses["socket"], additional_headers=service, proxy=None, open_timeout=scaled(30.0)
        ) as connection:
            await connection.send(json.dumps({"type": "message", "user_id": "alice", "message": "assistant: hello"}))
            said = [str(await connection.recv())]
        await mailed(world)
        await dumped(world)
        for pid in world.agents():
            said += [proc.read(pid, name).decode() for name in ("environ", "cmdline")]
        assert len(said) > 2
        await world.daemon.stop()
        seen = (world.project() / "seen.txt").read_text(encoding="utf-8", errors="replace")
        assert "XSWARM_PROCESS=" in seen  # it did see environments: its own
        assert ("stream-json" in seen) == (sandbox == "off")  # a sandbox hides Claude Code itself
        said += [seen, world.daemon.said, *world.daemon.log, *world.answers(), *map(str, world.mailbox.messages)]
        kept = world.kept()
        assert {"xswarm.db", ".jsonl"} <= {path.name for path in kept} | {path.suffix for path in kept}
        said += kept.values()
    assert {name for name, value in planted.items() if any(value in text for text in said)} == set()


async def mailed(world: World) -> None:
    """Get an answer by mail."""
    assert (await world.mail("Hello", "assistant: hello")).startswith("250")
    await until(lambda: world.mailbox.messages, "the mail is answered", 60)


async def dumped(world: World) -> None:
    """Have alice approve the dump; leave a turn running."""
    command = {"name": "Bash", "input": {"command": DUMP, "description": "look around"}}
    await world.text("@site " + script({"tools": [command]}, {"text": "I looked around."}))
    question = await world.answer("May it run")
    (code,) = set(re.findall(r"\bYES ([A-Z]{5})\b", question))
    assert "Allowed once" in await world.ask(f"YES {code}")
    await world.answer("I looked around.")
    await world.text("@site " + script(HANG))
    await until(lambda: len(world.turns("running")) == 1, "a turn runs", 60)
