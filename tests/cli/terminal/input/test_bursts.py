"""Lines that come at once are one text."""

from __future__ import annotations

import asyncio

from cli.terminal.input.bursts import Bursts


async def test_lines_of_a_burst_are_one_text() -> None:
    texts: asyncio.Queue[str] = asyncio.Queue()
    bursts = Bursts(texts.put_nowait)
    for line in ("one", "", "three"):
        bursts.add(line)
    assert await texts.get() == "one\n\nthree"
    bursts.add("later")
    assert await texts.get() == "later"
    assert texts.empty()


async def test_the_end_of_the_input_waits_for_nothing() -> None:
    texts: list[str] = []
    bursts = Bursts(texts.append)
    bursts.flush()
    bursts.add("last")
    bursts.flush()
    assert texts == ["last"]
