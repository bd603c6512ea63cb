"""Events reach their reader in order, bounded, and end with Exited."""

from __future__ import annotations

import asyncio

from connectors.claude_code.stream import EventStream
from supervisor.protocol.conversation import ConversationEvent, Exited, Finished, TextDelta
from tests.slowness import scaled


async def drain(stream: EventStream) -> list[ConversationEvent]:
    return [event async for event in stream]


def finished(text: str) -> Finished:
    return Finished(message_id=None, text=text)


async def test_events_come_in_order_and_end_with_exited() -> None:
    stream = EventStream()
    for event in (finished("a"), finished("b"), Exited(), finished("too late")):
        await stream.put(event)
    assert await drain(stream) == [finished("a"), finished("b"), Exited()]
    assert await drain(stream) == [Exited()]


async def test_text_that_waits_is_joined() -> None:
    stream = EventStream()
    pieces = [TextDelta(text="a"), TextDelta(text="b")]
    events: list[ConversationEvent] = [*pieces, finished("ab"), TextDelta(text="c")]
    events.append(Exited())
    for event in events:
        await stream.put(event)
    assert await drain(stream) == [TextDelta(text="ab"), finished("ab"), TextDelta(text="c"), Exited()]


async def test_a_sender_waits_for_a_slow_reader_and_loses_nothing() -> None:
    stream = EventStream(limit=2)
    events: list[ConversationEvent] = [finished(str(n)) for n in range(10)]

    async def send() -> None:
        for event in [*events, Exited()]:
            await stream.put(event)

    sending = asyncio.create_task(send(), name="send")
    await asyncio.sleep(0)
    assert not sending.done()
    assert await drain(stream) == [*events, Exited()]
    await sending


async def test_closing_frees_a_sender_that_nobody_reads() -> None:
    stream = EventStream(limit=1)
    await stream.put(finished("a"))
    sending = asyncio.create_task(stream.put(finished("b")), name="send")
    await asyncio.sleep(0)
    await stream.release()
    await asyncio.wait_for(sending, scaled(10))
    await stream.put(Exited())
    assert await drain(stream) == [finished("a"), finished("b"), Exited()]
