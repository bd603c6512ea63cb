"""A small supervisor for tests that kill it: `python victim.py shell|claude JSON` prints "up" and waits."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from connectors.claude_code.config import ClaudeCodeConfig
from connectors.claude_code.connector import ClaudeCodeConnector
from connectors.claude_code.process.fence import NO_FENCE, ladder
from connectors.claude_code.process.orphans import ProcessRecord, ProcessRecords, state_mark
from connectors.claude_code.process.process import Process
from supervisor.protocol.conversation import (
    PROCESS_MARK,
    STATE_MARK,
    ModelEndpoint,
    Prompt,
    SessionSpec,
    ToolCall,
    ToolStarted,
    Verdict,
)
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import MessageId, ProjectName, SessionId, UserId
from supervisor.protocol.ports.connector import ConnectorHost
from supervisor.protocol.status import Permissions

BROOD = """\
setsid sleep 1000 &
(setsid bash -c 'sleep 1000 & sleep 1000' &)
env -u XSWARM_STATE sleep 1000 &
echo up
wait
"""
"""A shell with children in its session, in sessions of their own, and one whose parent has gone."""


class Host(ConnectorHost):
    def __init__(self, folder: str) -> None:
        self._folder = folder

    def secret(self, name: str) -> str | None:
        return None

    @property
    def state_dir(self) -> str:
        return self._folder

    @property
    def own_folders(self) -> Sequence[str]:
        return [self._folder]


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def allow(call: ToolCall) -> Verdict:
    return Verdict(allowed=True)


async def run_shell(given: dict[str, Any]) -> None:
    """Start a shell with a brood, in a fence and recorded as a session's process is."""
    fence = next(f for f in (*ladder(os.environ["PATH"]), NO_FENCE) if f.name == given["fence"])
    env = {"PATH": os.environ["PATH"], PROCESS_MARK: given["mark"], STATE_MARK: state_mark(given["state"])}
    process = await Process.start(["bash", "-c", BROOD], cwd="/", env=env, fence=fence, mark=given["mark"])
    record = ProcessRecord(identity=process.identity, session="s1", tmp="", project="", since=0.0)
    ProcessRecords(given["state"]).add(record)
    said = await process.read()
    say(said.decode().strip() or process.last_words)
    await asyncio.Event().wait()


async def run_claude(given: dict[str, Any]) -> None:
    """Open a real session and let it run a shell command that does not end."""
    state = given["state"]
    connector = ClaudeCodeConnector(ClaudeCodeConfig(sandbox="off"), Host(state))
    await connector.prepare()
    spec = SessionSpec(
        id=SessionId("s1"),
        conversation_id=str(uuid.uuid4()),
        resume=False,
        user_id=UserId("ann"),
        project=ProjectName("demo"),
        project_path=given["project"],
        permissions=Permissions.FULL,
        model=None,
        home=str(Path(state) / "sessions" / "s1"),
        endpoint=ModelEndpoint(base_url=given["url"], token="token-of-this-session"),
        decide=allow,
    )
    conversation = await connector.open(spec, ())
    await conversation.prompt(Prompt(message_id=MessageId(uuid7()), text=given["prompt"]))
    async for event in conversation.events():
        if isinstance(event, ToolStarted):
            say("up")


if __name__ == "__main__":
    run = {"shell": run_shell, "claude": run_claude}[sys.argv[1]]
    asyncio.run(run(json.loads(sys.argv[2])))
