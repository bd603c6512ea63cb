"""The real Claude Code with the gateway and the offline model."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from supervisor.models.gateway.gateway import Gateway
from supervisor.models.gateway.meter import CallTotals
from supervisor.models.offline.reply import SIGNATURE
from supervisor.protocol.conversation import ModelEndpoint, Tokens
from tests.slowness import scaled
from tests.supervisor.models.gateway.meters import RecordingMeter

pytestmark = pytest.mark.cli_process

MODEL = "claude-sonnet-5-5"
TOOLS = "Read,Write,Edit,Glob,Grep,Bash,Agent"
TURN_SECONDS = 60.0


def cli_path() -> str:
    spec = importlib.util.find_spec("claude_agent_sdk")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "_bundled" / "claude")


class ClaudeCode:
    """The CLI in its streaming mode, for as long as a test needs it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def turn(self, prompt: str) -> dict[str, Any]:
        """Send a prompt and return the frame with its result."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        message = {"role": "user", "content": prompt}
        stdin.write(json.dumps({"type": "user", "message": message, "parent_tool_use_id": None}).encode() + b"\n")
        async with asyncio.timeout(scaled(TURN_SECONDS)):
            while line := await stdout.readline():
                frame: dict[str, Any] = json.loads(line)
                if frame["type"] == "result":
                    return frame
        raise AssertionError("the CLI has ended without a result")


@asynccontextmanager
async def claude_code(endpoint: ModelEndpoint, home: Path, mode: str = "acceptEdits") -> AsyncIterator[ClaudeCode]:
    for folder in ("project", "config", "t"):
        (home / folder).mkdir()
    process = await asyncio.create_subprocess_exec(
        cli_path(),
        "--output-format",
        "stream-json",
        "--verbose",
        "--input-format",
        "stream-json",
        "--setting-sources=",
        "--strict-mcp-config",
        "--tools",
        TOOLS,
        "--permission-mode",
        mode,
        "--model",
        MODEL,
        env={
            "ANTHROPIC_BASE_URL": endpoint.base_url,
            "ANTHROPIC_API_KEY": endpoint.token,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
            "CLAUDE_CODE_MAX_RETRIES": "2",
            "CLAUDE_CONFIG_DIR": str(home / "config"),
            "CLAUDE_CODE_TMPDIR": str(home / "t"),
            "TMPDIR": str(home / "t"),
            "HOME": str(home),
            "PATH": os.defpath,
        },
        cwd=home / "project",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
        limit=64 * 1024 * 1024,
    )
    assert process.stdin is not None
    try:
        yield ClaudeCode(process)
        process.stdin.close()
        async with asyncio.timeout(scaled(TURN_SECONDS)):
            await process.communicate()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.communicate()


def script(*steps: dict[str, Any]) -> str:
    return f"@@{json.dumps({'steps': steps})}"


def by_claude_code(frame: dict[str, Any]) -> tuple[Tokens, int]:
    """Return the tokens and nanodollars that the CLI itself has counted."""
    usage = frame["modelUsage"][MODEL]
    tokens = Tokens(
        input=usage["inputTokens"],
        output=usage["outputTokens"],
        cache_read=usage["cacheReadInputTokens"],
        cache_write_5m=usage["cacheCreationEphemeral5mInputTokens"],
        cache_write_1h=usage["cacheCreationEphemeral1hInputTokens"],
    )
    return tokens, round(Decimal(str(usage["costUSD"])) * 10**9)


def by_gateway(gateway: Gateway) -> tuple[Tokens, int]:
    metered = gateway.metered().get(MODEL, CallTotals())
    return metered.tokens, metered.nanos


async def test_plain_sentences_change_files_and_cost_what_claude_code_says(gateway: Gateway, tmp_path: Path) -> None:
    meter = RecordingMeter()
    async with claude_code(gateway.issue("ada", meter), tmp_path) as claude:
        file = tmp_path / "project" / "hello.txt"

        frame = await claude.turn("create a file hello.txt containing hi")
        assert file.read_text() == "hi"
        assert frame["result"] == f'I wrote hello.txt, containing: "hi". {SIGNATURE}'

        await claude.turn("append second line to hello.txt")
        assert file.read_text() == "hi\nsecond line"

        await claude.turn("replace second with 2nd in hello.txt")
        assert file.read_text() == "hi\n2nd line"

        frame = await claude.turn("list the files")
        assert "hello.txt" in frame["result"]

        frame = await claude.turn("run `cat hello.txt`")
        assert "2nd line" in frame["result"]

        file.write_text("changed by hand\n")
        await claude.turn("write all new to hello.txt")
        assert file.read_text() == "all new"

        await claude.turn("append more to hello.txt")
        frame = await claude.turn("read hello.txt")
        assert "all new\nmore" in frame["result"]

        frame = await claude.turn("How is the weather?")
        assert frame["result"].endswith(SIGNATURE)
    assert by_gateway(gateway) == by_claude_code(frame)
    assert all(call.complete and call.session_header == frame["session_id"] for call in meter.ended)


async def test_denied_tool_is_told_with_its_reason(gateway: Gateway, tmp_path: Path) -> None:
    async with claude_code(gateway.issue("ada", RecordingMeter()), tmp_path, mode="default") as claude:
        frame = await claude.turn("create a file hello.txt containing hi")
    assert not (tmp_path / "project" / "hello.txt").exists()
    assert "I could not write hello.txt" in frame["result"]
    assert "permission" in frame["result"]


async def test_subagents_retries_and_caches_are_metered(gateway: Gateway, tmp_path: Path) -> None:
    meter = RecordingMeter()
    task = {"description": "a task", "subagent_type": "general-purpose"}
    split = {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 40}
    usage = {"input_tokens": 5, "output_tokens": 6, "cache_read_input_tokens": 700, "cache_creation": split}
    inner = [script({"text": f"inner {n}", "usage": {"input_tokens": n, "output_tokens": 1}}) for n in (1, 2)]
    tools = [{"name": "Agent", "input": {**task, "prompt": prompt}} for prompt in inner]
    outer = script({"text": "go", "tools": tools, "usage": usage}, {"text": "all done", "errors": [529]})
    async with claude_code(gateway.issue("ada", meter), tmp_path) as claude:
        frame = await claude.turn(outer)
    assert frame["result"] == "all done"
    assert len({call.agent_id for call in meter.ended} - {None}) == 2
    assert by_gateway(gateway) == by_claude_code(frame)


async def test_refusal_reaches_the_person_and_the_session_lives_on(gateway: Gateway, tmp_path: Path) -> None:
    meter = RecordingMeter(refusal="Budget exceeded: session spent $1.00 of $1.00")
    async with claude_code(gateway.issue("ada", meter), tmp_path) as claude:
        frame = await claude.turn("hello")
        assert "Budget exceeded: session spent $1.00 of $1.00" in frame["result"]
        assert len(meter.asked) == 1
        meter.refusal = None
        frame = await claude.turn("hello again")
        assert frame["result"].endswith(SIGNATURE)


async def test_revoked_token_ends_the_session_at_once(gateway: Gateway, tmp_path: Path) -> None:
    endpoint = gateway.issue("ada", RecordingMeter())
    async with claude_code(endpoint, tmp_path) as claude:
        gateway.revoke(endpoint.token)
        frame = await claude.turn("hello")
    assert "403" in frame["result"]
