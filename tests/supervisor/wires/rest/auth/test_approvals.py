"""A yes that a passkey proves: it is for one question, one person and once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.authenticator import Authenticator
from tests.fakes import ScriptedConnector
from tests.slowness import scaled
from tests.supervisor.approvals.test_refused import refusals
from tests.supervisor.approvals.test_second_factor import FETCH, end, questions
from tests.supervisor.helpers import scripted, text_message
from tests.supervisor.wires.http.serving import Served, refusal
from tests.supervisor.wires.rest.admin.test_administrators import add_passkey, sign_in
from tests.waiting import until


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """Give a server over a core whose turns make calls as the test says."""
    async with Served(tmp_path, connector=ScriptedConnector()) as served:
        yield served


def page(served: Served) -> httpx.AsyncClient:
    """Return a client on the daemon's own page, where nobody is signed in."""
    origin = f"http://localhost:{httpx.URL(served.server.url).port}"
    return httpx.AsyncClient(base_url=origin, headers={"Origin": origin}, trust_env=False, timeout=scaled(30.0))


async def proof(browser: httpx.AsyncClient, authenticator: Authenticator, code: str) -> dict[str, Any]:
    """Return the assertion of a passkey for one question."""
    options = (await browser.post(f"/api/auth/approvals/{code}/options", json={})).json()["options"]
    return authenticator.prove(options)


async def test_an_assertion_for_another_question_or_of_another_person_allows_nothing(served: Served) -> None:
    core = served.core
    async with page(served) as alice, page(served) as bob:
        await sign_in(served, alice)
        await sign_in(served, bob, "bob")
        hers, his = await add_passkey(alice), await add_passkey(bob)
        await core.intake.accept(text_message("@site hold on"))
        await until(scripted(core).held, "its turn runs")
        spec = scripted(core).opened[-1].spec
        calls = (FETCH, replace(FETCH, tool_use_id="another"))
        verdicts = {call.tool_use_id: asyncio.ensure_future(spec.decide(call)) for call in calls}

        async def both() -> bool:
            return len(await questions(core)) == 2

        await until(both, "both are asked about")
        first, second = await questions(core)

        async def allow(code: str, credential: dict[str, Any]) -> tuple[int, str]:
            answer = await alice.post(f"/api/auth/approvals/{code}", json={"credential": credential})
            return (200, "") if answer.status_code == 200 else refusal(answer)[:2]

        for_first = await proof(alice, hers, first.code)
        assert await allow(second.code, for_first) == (403, "not_allowed")
        assert await allow(first.code, await proof(alice, his, first.code)) == (403, "not_allowed")
        assert await questions(core) == [first, second]
        ((who, why),) = await refusals(core)
        assert (who, why["id"], why["why"], why["way"]) == ("alice", first.id, "passkey", "http")
        assert not any(verdict.done() for verdict in verdicts.values())

        assert await allow(first.code, for_first) == (200, ""), "the failed try has not used it up"
        assert (await verdicts[first.tool_use_id]).allowed
        assert (await allow(first.code, for_first))[0] != 200, "twice"
        assert await questions(core) == [second]
        assert await allow(second.code, await proof(alice, hers, second.code)) == (200, "")
        assert (await verdicts[second.tool_use_id]).allowed
        await end(core)
