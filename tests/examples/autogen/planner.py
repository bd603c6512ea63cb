"""A model with OpenAI's interface on loopback that follows a script: the planner of the examples."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web


class Planner:
    """Answers each request with the next step of its script.

    Args:
        prompts: what it asks Claude Code, one after the other; then it says what the last one answered.

    Attributes:
        heard: the results of its tool calls.
    """

    def __init__(self, prompts: Sequence[str]) -> None:
        self._prompts = prompts
        self.heard: list[str] = []
        self.url = ""

    async def _complete(self, request: web.Request) -> web.Response:
        messages = (await request.json())["messages"]
        self.heard = [message["content"] for message in messages if message["role"] == "tool"]
        step = len(self.heard)
        message: dict[str, Any] = {"role": "assistant", "content": f"All done. {self.heard[-1:]} TERMINATE"}
        if step < len(self._prompts):
            call = {"name": "claude_execute", "arguments": json.dumps({"prompt": self._prompts[step]})}
            message = {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": f"call_{step}", "type": "function", "function": call}],
            }
        return web.json_response(
            {
                "id": f"c{step}",
                "object": "chat.completion",
                "created": 1,
                "model": "gpt-4o-mini",
                "choices": [
                    {
                        "index": 0,
                        "message": message,
                        "finish_reason": "tool_calls" if "tool_calls" in message else "stop",
                    }
                ],
                "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
            }
        )

    @asynccontextmanager
    async def served(self) -> AsyncIterator[Planner]:
        """Serve it."""
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._complete)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/v1"
        try:
            yield self
        finally:
            await runner.cleanup()
