"""A link by text signs in as the way of texts; a passkey is the second way of a call that was asked for by text."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import websockets
from websockets.typing import Origin

from tests.authenticator import Authenticator
from tests.e2e.signing_in import HttpBrowser, link_for, trail
from tests.e2e.world import ALICE, World, script, write_file
from tests.slowness import scaled

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process]


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as world:
        await world.start()
        yield world


async def asked(world: World, path: Path) -> str:
    """Text a prompt whose turn writes a file outside the project; return the code of the question."""
    await world.text(f"@site write {path.name}: " + script(write_file(path, "hi"), {"text": f"That was {path.name}."}))
    question = await world.answer(f"Write {path}")
    (code,) = set(re.findall(r"\b(?:YES|NO) ([A-Z]{5})\b", question))
    return str(code)


async def with_passkey(browser: HttpBrowser) -> Authenticator:
    """Add a passkey to whoever is signed in."""
    authenticator = Authenticator(browser.origin)
    options = (await browser.post("passkey/new")).json()["options"]
    added = await browser.post("passkeys", {"name": "phone", "credential": authenticator.make(options)})
    assert added.status_code == 201, added.text
    return authenticator


async def test_a_link_by_text_is_the_way_of_texts_and_a_passkey_the_second_one(world: World) -> None:
    path = world.folder / "outside.txt"
    async with HttpBrowser(world.daemon) as phone, HttpBrowser(world.daemon) as desk:
        assert (await phone.post("link", {"address": ALICE})).status_code == 202
        link = (await world.answer("Sign in to xswarm")).rpartition(" ")[2]
        assert link.startswith(phone.origin), link
        assert (await phone.sign_in(link)).json()["way"] == "sms"
        weak = await with_passkey(phone)
        await desk.sign_in(await link_for(world.daemon, "alice"))
        strong = await with_passkey(desk)

        code = await asked(world, path)
        headers = {"Origin": phone.origin}
        by_link = await phone.client.post(f"/api/approvals/{code}", json={"decision": "allow"}, headers=headers)
        assert (by_link.status_code, by_link.json()["code"]) == (403, "not_allowed")
        assert "another way than sms" in by_link.json()["error"]
        # The same words in a chat that this browser opens come by the same way.
        cookie = "; ".join(f"{name}={value}" for name, value in phone.client.cookies.items())
        chat = phone.origin.replace("http", "ws") + "/api/claude-chat/ws"
        async with websockets.connect(
            chat, origin=Origin(phone.origin), additional_headers={"Cookie": cookie}, open_timeout=scaled(30.0)
        ) as socket:
            await socket.send(json.dumps({"type": "user_message", "content": f"YES {code}"}))
            async with asyncio.timeout(scaled(30.0)):
                while (frame := json.loads(await socket.recv()))["type"] != "token":
                    pass
        assert "another way than sms" in frame["content"]
        assert not path.exists()

        async def proof(authenticator: Authenticator, minutes: int) -> object:
            options = (await phone.post(f"approvals/{code}/options", {"minutes": minutes})).json()["options"]
            return authenticator.prove(options)

        # Added with a link by text, it proves no more than a text.
        refused = await phone.post(f"approvals/{code}", {"credential": await proof(weak, 0)})
        assert "another way than sms" in refused.json()["error"]
        # For other minutes, and one that was made to sign in.
        refused = await phone.post(f"approvals/{code}", {"minutes": 60, "credential": await proof(strong, 0)})
        assert refused.status_code == 403
        sign_in = strong.prove((await phone.post("passkey/options")).json()["options"])
        assert (await phone.post(f"approvals/{code}", {"credential": sign_in})).status_code == 403
        assert not path.exists()

        allowed = await phone.post(f"approvals/{code}", {"credential": await proof(strong, 0)})
        assert (allowed.status_code, allowed.json()["decision"]) == (200, "allow")
        await world.answer("That was outside.txt.")
        assert path.read_text(encoding="utf-8") == "hi"
    assert [entry["detail"]["why"] for entry in await trail(world.daemon, "signin.failed")] == [
        "passkey: challenge"
    ] * 2
    (yes,) = await trail(world.daemon, "approval.allowed")
    assert (yes["actor"], yes["detail"]["way"], yes["detail"]["from"]) == ("alice", "passkey", "127.0.0.1")
    verified = await world.daemon.xswarm("audit", "verify")
    assert verified.code == 0, verified
