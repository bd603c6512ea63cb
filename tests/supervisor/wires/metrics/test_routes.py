"""/metrics over a real port, read as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

from supervisor.protocol.ports.web import WebResponse
from tests.supervisor.wires.http.hook_channel import PATH, HookChannel
from tests.supervisor.wires.http.serving import ROUTE, Served, refusal

Labels = tuple[tuple[str, str], ...]


async def scraped(client: httpx.AsyncClient) -> Mapping[tuple[str, Labels], float]:
    """Return the samples by name and labels."""
    answer = await client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parser.text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def of(**labels: str) -> Labels:
    """Return labels as `scraped` has them."""
    return tuple(sorted(labels.items()))


@pytest.mark.parametrize(
    ("who", "status"), [("service", 200), ("operator", 200), ("alice", 200), ("olga", 200), ("bob", 403), (None, 401)]
)
async def test_metrics_are_for_overseers_only(tmp_path: Path, who: str | None, status: int) -> None:
    async with Served(tmp_path) as served:
        clients = {"service": served.service, "operator": served.operator, None: await served.client(None)}
        client = clients.get(who) or await served.client_of(str(who))
        answer = await client.get("/metrics")
        assert answer.status_code == status
        if status == 403:
            assert refusal(answer)[1] == "not_allowed"
            assert "OPERATOR" in answer.json()["remedy"]


async def test_a_prompt_is_counted_with_its_turn_and_its_cost(tmp_path: Path) -> None:
    async with Served(tmp_path, parts=lambda: {"mail": False}) as served:
        session = await served.session()
        before = await scraped(served.service)
        await served.prompt(session, "hello")
        after = await scraped(served.service)
        accepted = ("xswarm_messages_total", of(channel="http", outcome="accepted"))
        completed = ("xswarm_turns_total", of(channel="http", outcome="completed"))
        assert (before.get(accepted, 0), after[accepted]) == (0, 1)
        assert (before.get(completed, 0), after[completed]) == (0, 1)
        commits = ("xswarm_store_commit_seconds_count", of())
        assert after[commits] >= before[commits] + 2  # T1, which starts the turn too, and T3
        assert after["xswarm_sessions", of()] == 1
        assert after["xswarm_turns_running", of()] == after["xswarm_turns_waiting", of()] == 0
        assert after["xswarm_part_up", of(part="mail")] == 0
        assert after["xswarm_part_up", of(part="store")] == 1


async def test_a_channel_that_a_caller_invents_makes_no_series(tmp_path: Path) -> None:
    async with Served(tmp_path) as served:
        for number in range(3):
            body = {"from": "alice", "message": "please build the project", "channel": f"invented{number}"}
            assert (await served.service.post(ROUTE, json=body)).status_code == 200
        found = await scraped(served.service)
        assert found["xswarm_messages_total", of(channel="other", outcome="accepted")] == 3
        assert not [labels for _, labels in found if any("invented" in value for _, value in labels)]


async def test_a_refused_webhook_is_counted_by_its_declared_path(tmp_path: Path) -> None:
    channel = HookChannel()
    channel.answer = WebResponse(status=403, body=b"no", content_type="text/plain")
    async with Served(tmp_path, channels=[channel]) as served:
        provider = await served.client(None)
        assert (await provider.post(f"{PATH}?guess=1")).status_code == 403
        assert (await provider.post("/webhooks/test/full")).status_code == 503
        channel.answer = RuntimeError("a bug")
        assert (await provider.post(PATH)).status_code == 500
        channel.answer = WebResponse(status=200)
        assert (await provider.post(PATH)).status_code == 200
        found = {key: value for key, value in (await scraped(served.service)).items() if "webhooks" in key[0]}
        refused = "xswarm_webhooks_refused_total"
        assert {key: value for key, value in found.items() if key[0] == refused} == {
            (refused, of(path=PATH, status="403")): 1,
            (refused, of(path=PATH, status="500")): 1,
            (refused, of(path="/webhooks/test/full", status="503")): 1,
        }


async def test_open_metrics_has_one_end(tmp_path: Path) -> None:
    async with Served(tmp_path) as served:
        answer = await served.service.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
        assert answer.headers["content-type"].startswith("application/openmetrics-text")
        names = {family.name for family in openmetrics.text_string_to_metric_families(answer.text)}  # type: ignore[no-untyped-call]
        assert {"xswarm_messages", "xswarm_turns_waiting", "xswarm_event_loop_lag_seconds"} <= names
