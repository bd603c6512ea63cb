"""A service where people sign in: `oidc-provider-mock` in a process of its own."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any, Self

import httpx

from tests.e2e.process import scrubbed
from tests.slowness import scaled

START_SECONDS = 60.0

CLIENT_ID = "xswarm-of-the-tests"
CLIENT_SECRET = "what the service gave us"


class ProviderProcess:
    """`async with` starts and ends it. Every secret and redirect URI counts there; it takes no PKCE.

    Args:
        people: `sub` and other claims of people who may sign in with one click.

    Attributes:
        issuer: its URL, by the address: a page at `localhost` and this one are two sites.
    """

    def __init__(self, folder: Path, *people: dict[str, Any]) -> None:
        self.issuer = ""
        self._folder = folder
        self._people = people
        self._process: asyncio.subprocess.Process | None = None
        self._log: asyncio.Task[None] | None = None

    def table(self, name: str, **more: str) -> str:
        """Return the table of config.toml for it."""
        secret = self._folder / "client.secret"
        secret.write_text(CLIENT_SECRET, encoding="utf-8")
        keys = {"issuer": self.issuer, "client_id": CLIENT_ID, "client_secret_file": str(secret), **more}
        return f"\n[auth.oidc.{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())

    async def allow(self, url: str, sub: str) -> str:
        """Sign somebody in at the service, as its page does; return where it sends the browser."""
        async with httpx.AsyncClient(trust_env=False, timeout=scaled(30.0)) as client:
            answer = await client.post(url, data={"sub": sub})
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"])

    async def stop(self) -> None:
        """End it; its address refuses connections from then on."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._log is not None:
            await self._log

    async def __aenter__(self) -> Self:
        self._folder.mkdir(exist_ok=True)
        people = [part for claims in self._people for part in ("--user-claims", json.dumps(claims))]
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "oidc_provider_mock", "--port", "0", "--require-nonce", *people),
            env=scrubbed(self._folder, {"NO_COLOR": "1"}),
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        assert self._process.stderr is not None
        async with asyncio.timeout(scaled(START_SECONDS)):
            while not (found := re.search(rb"running on (http://127\.0\.0\.1:\d+)", await self._line())):
                pass
        self.issuer = found[1].decode()
        self._log = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    async def _line(self) -> bytes:
        assert self._process is not None
        assert self._process.stderr is not None
        line = await self._process.stderr.readline()
        assert line, "the service did not start"
        return line

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        while await self._process.stderr.readline():
            pass
