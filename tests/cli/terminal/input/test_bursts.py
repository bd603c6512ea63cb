"""Lines that come at once are one text."""

from __future__ import annotations

import asyncio

from cli.terminal.input.bursts import BURST_SECONDS, Bursts


async def test_lines_of_a_burst_are_one_text() -> None:
    texts: asyncio.Queue[str] = asyncio.Queue()
    bursts = Bursts(texts.put_nowait)
    for line in ("one", "", "three"):
        bursts.add(line)
    assert await texts.get() == "one\n\nthree"
    bursts.add("later")
    assert await texts.get() == "later"
    assert texts.empty()


class SetByHand(asyncio.SelectorEventLoop):
    """An event loop whose clock the test sets."""

    now = 0.0

    def time(self) -> float:
        return self.now

    async def passed(self, seconds: float) -> None:
        """Let time pass, and what is due then happen."""
        self.now += seconds
        await asyncio.sleep(0)
        await asyncio.sleep(0)


def test_a_line_joins_those_before_it_within_the_time_of_a_burst_alone() -> None:
    loop, texts = SetByHand(), list[str]()

    async def run() -> None:
        bursts = Bursts(texts.append)
        for line in ("one", "two", "three"):
            bursts.add(line)
            await loop.passed(BURST_SECONDS * 0.9)
        assert texts == []
        await loop.passed(BURST_SECONDS * 0.2)
        assert texts == ["one\ntwo\nthree"]
        bursts.add("four")
        await loop.passed(BURST_SECONDS * 1.1)
        assert texts == ["one\ntwo\nthree", "four"]

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(run())


async def test_the_end_of_the_input_waits_for_nothing() -> None:
    texts: list[str] = []
    bursts = Bursts(texts.append)
    bursts.flush()
    bursts.add("last")
    bursts.flush()
    assert texts == ["last"]
