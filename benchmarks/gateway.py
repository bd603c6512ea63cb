"""The time that the gateway adds until the first text of a model, with metering and the journal."""

from __future__ import annotations

import time
from pathlib import Path

import aiohttp

from benchmarks.core import USER, open_bench_store
from benchmarks.figures import Figure, compare
from benchmarks.process import started
from supervisor.models.gateway.gateway import Gateway
from supervisor.models.prices import PriceList
from supervisor.spending.meter import SessionMeter

REQUEST = {
    "model": "claude-sonnet-4-6",
    "max_tokens": 256,
    "stream": True,
    "messages": [{"role": "user", "content": "hello"}],
}
FIRST_TEXT = b"content_block_delta"
DIRECT = "the model asked directly"


async def measure(folder: Path, short: bool) -> list[Figure]:
    """Call the offline model through the gateway and directly. The two take the first place in turn."""
    calls = 10 if short else 300
    direct: list[float] = []
    ours: list[float] = []
    store = await open_bench_store(folder)
    try:
        async with (
            started("benchmarks.model_server") as model,
            Gateway(upstream=model.first_line, api_key="benchmark", prices=PriceList()) as gateway,
            aiohttp.ClientSession() as client,
        ):
            meter = SessionMeter("bench", USER, store.ledger)
            endpoint = gateway.issue("bench", meter)
            ways = ((direct, model.first_line, "benchmark"), (ours, endpoint.base_url, endpoint.token))
            for number in range(calls + 2):
                for times, url, key in ways if number % 2 else reversed(ways):
                    took = await _first_text(client, url, key)
                    if number >= 2:  # the first pair opens the connections
                        times.append(took)
            await meter.drain()
    finally:
        await store.close()
    added = [mine - theirs for mine, theirs in zip(ours, direct, strict=True)]
    return [
        compare("first text by the gateway", "ms", ours, DIRECT, direct),
        compare("added to the first text", "ms", added, DIRECT, direct),
    ]


async def _first_text(client: aiohttp.ClientSession, url: str, key: str) -> float:
    """Read an answer to its end; return the milliseconds until its first text."""
    headers = {"x-api-key": key, "anthropic-version": "2023-06-01"}
    first = 0.0
    began = time.perf_counter()
    async with client.post(f"{url}/v1/messages", json=REQUEST, headers=headers) as answer:
        answer.raise_for_status()
        async for piece in answer.content.iter_any():
            if not first and FIRST_TEXT in piece:
                first = time.perf_counter()
    if not first:
        raise RuntimeError("the model has sent no text")
    return (first - began) * 1e3
