"""Records the output of the installed Claude Code in golden/.

Run `python -m tests.connectors.claude_code.protocol.record` for a new version, and read the diff: it shows
what changed in the protocol that the connector relies on.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from connectors.claude_code import command
from connectors.claude_code.decisions import Decisions
from connectors.claude_code.process import installation
from connectors.claude_code.process.fence import NO_FENCE
from connectors.claude_code.process.process import Patience, Process
from connectors.claude_code.protocol import frames
from connectors.claude_code.protocol.frames import ControlRequest, ControlResponse, Frame, LineSplitter, Message
from supervisor.models.offline.model import OfflineModel
from supervisor.protocol.ids import uuid7
from tests.connectors.claude_code.support import Policy, make_spec, script, tool
from tests.slowness import scaled

GOLDEN = Path(__file__).with_name("golden")
Seen = Callable[[Frame], bool]


class Recorder:
    """A Claude Code whose lines are recorded."""

    def __init__(self, process: Process, decisions: Decisions) -> None:
        self._process = process
        self._decisions = decisions
        self._splitter = LineSplitter()
        self._ready: list[bytes] = []
        self.lines: list[bytes] = []

    async def ask(self, request_id: str, request: Any) -> None:
        """Send a control request and record up to its answer."""
        await self._process.write(frames.control_request(request_id, request), timeout=scaled(10))
        await self.until(lambda frame: isinstance(frame, ControlResponse) and frame.request_id == request_id)

    async def say(self, text: str, message_id: str) -> None:
        """Write a prompt."""
        await self._process.write(frames.user_message(message_id, text), timeout=scaled(10))

    async def until(self, seen: Seen) -> None:
        """Record up to a frame; control requests are answered meanwhile."""
        while True:
            while not self._ready:
                self._ready += self._splitter.feed(await self._process.read())
            line = self._ready.pop(0)
            self.lines.append(line)
            frame = frames.parse_frame(line)
            if isinstance(frame, ControlRequest):
                answer = await self._decisions.answer(frame)
                await self._process.write(frames.control_success(frame.request_id, answer or {}), timeout=scaled(10))
            if frame is not None and seen(frame):
                return


def idle(frame: Frame) -> bool:
    return isinstance(frame, Message) and frame.body.get("state") == "idle"


def delta(frame: Frame) -> bool:
    return isinstance(frame, Message) and "text_delta" in json.dumps(frame.body)


def tool_answered(frame: Frame) -> bool:
    return isinstance(frame, ControlRequest) and frame.subtype == "can_use_tool"


async def record(folder: Path, url: str) -> dict[str, list[bytes]]:
    spec = make_spec(folder, url, Policy(frozenset({"Edit"})))
    home = command.Home(root=Path(spec.home))
    home.make()
    argv = command.arguments(
        installation.find(None), spec, resume=False, model=None, sandbox=False, shell=True, own_folders=[str(folder)]
    )
    mark = uuid.uuid4().hex
    env = command.environment(spec, home, tmp=str(folder), ours=os.environ, state_mark="golden", process_mark=mark)
    process = await Process.start(argv, cwd=spec.project_path, env=env, fence=NO_FENCE, mark=mark)
    recorder = Recorder(process, Decisions(spec.decide))
    taken: dict[str, list[bytes]] = {}

    def take(name: str) -> None:
        taken[name], recorder.lines = recorder.lines, []

    await recorder.ask("xswarm-1", frames.initialize())
    take("initialize")
    for name, steps in SCENES.items():
        await recorder.say(script(*steps), f"00000000-0000-7000-8000-{len(taken):012d}")
        await recorder.until(idle)
        take(name)
    await recorder.say(script({"text": "one two three four", "token_delay": 2.0}), uuid7())
    await recorder.until(delta)
    await recorder.ask("xswarm-2", frames.interrupt())
    await recorder.until(idle)
    take("interrupted_text")
    await recorder.say(script({"tools": [tool("Bash", command="sleep 60")]}), uuid7())
    await recorder.until(tool_answered)
    await recorder.ask("xswarm-3", frames.interrupt())
    await recorder.until(idle)
    take("interrupted_tool")
    both = frames.user_message(uuid7(), "never begun") + frames.control_request("xswarm-4", frames.interrupt())
    await process.write(both, timeout=scaled(10))  # in one piece, or it begins
    await recorder.until(idle)
    take("cancelled_in_queue")
    await recorder.say("again", f"00000000-0000-7000-8000-{1:012d}")
    await recorder.until(idle)
    take("known_already")
    await process.end(Patience())
    return {
        name: [
            line.replace(spec.project_path.encode(), b"/project").replace(str(folder).encode(), b"/state")
            for line in lines
        ]
        for name, lines in taken.items()
    }


SCENES: dict[str, list[dict[str, Any]]] = {
    "answer": [{"text": "hello there"}],
    "tools": [
        {
            "text": "I write.",
            "tools": [tool("Write", file_path="notes.txt", content="hi"), tool("Read", file_path="no")],
        },
        {"tools": [tool("Edit", file_path="notes.txt", old_string="hi", new_string="ho")]},
        {"text": "all done"},
    ],
    "subagent": [
        {
            "tools": [
                tool(
                    "Agent",
                    description="look",
                    subagent_type="general-purpose",
                    prompt=script({"text": "sub", "tools": [tool("Glob", pattern="*")]}, {"text": "sub done"}),
                )
            ]
        },
        {"text": "main done"},
    ],
    "api_error": [{"errors": [402]}],
}


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with OfflineModel() as model:
            taken = await record(Path(folder), model.url)
    GOLDEN.mkdir(exist_ok=True)
    for name, lines in taken.items():
        (GOLDEN / f"{name}.jsonl").write_bytes(b"\n".join(lines) + b"\n")


if __name__ == "__main__":
    asyncio.run(main())
