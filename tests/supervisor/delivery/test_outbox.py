"""The outbox: in order, with back-off, reconciled before it is repeated, given up at last; never lost or doubled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from supervisor.delivery.outbox import MAX_ATTEMPTS, MAX_FAULTS, Outbox
from supervisor.protocol.errors import OutcomeUnknown, PermanentFailure, StorageError, TemporaryFailure
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import (
    Address,
    Delivery,
    NotSent,
    Outbound,
    OutboxId,
    Reconciled,
    Reply,
    Sent,
    Unknown,
)
from supervisor.protocol.ports.channel import composing
from supervisor.protocol.status import OutboxState
from supervisor.store import SqliteStore, open_store
from supervisor.store.messages.outbox import SqlOutbox
from supervisor.store.records.outbox import OutboxDraft
from tests.fakes import Lose, RecordingChannel
from tests.supervisor.harness import seal
from tests.supervisor.store.builders import outcome, question, running
from tests.waiting import until


class Clock:
    """A wall clock that a test moves."""

    def __init__(self) -> None:
        self.ms = 1_800_000_000_000

    def __call__(self) -> int:
        return self.ms


class Post:
    """An outbox with one channel, its worker running."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.clock = Clock()
        self.channel = RecordingChannel()
        self.outbox = Outbox(store.outbox, clock=self.clock)
        self.outbox.add_channel(self.channel)
        self.added: list[OutboxId] = []

    async def add(self, text: str, to: str = "+15550100", **meta: object) -> OutboxId:
        """Write a reply; the worker hears of it from the store."""
        reply = Reply(channel="sms", to=Address(kind="sms", value=to), meta=meta)
        draft = OutboxDraft(id=OutboxId(uuid7()), reply=reply, text=text)
        await self.store.outbox.add(draft, user_id=None, now_ms=self.clock())
        return draft.id

    def later(self, seconds: float) -> None:
        """Move the clock, and let the worker look at it."""
        self.clock.ms += round(seconds * 1000)
        self.outbox.wake(["sms"])

    async def count(self, state: OutboxState) -> int:
        """Return how many replies are in an unfinished or dead state."""
        return (await self.store.outbox.counts()).get(state, 0)

    async def unfinished(self) -> int:
        """Return how many replies have not left."""
        return await self.count(OutboxState.PENDING) + await self.count(OutboxState.SENDING)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await open_store(tmp_path / "xswarm.db", seal=seal)
    yield opened
    await opened.close()


@asynccontextmanager
async def working(post: Post) -> AsyncIterator[Post]:
    worker = asyncio.create_task(post.outbox.run("sms"), name="outbox")
    try:
        yield post
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def _sent(post: Post, count: int) -> None:
    await until(lambda: len(post.channel.provider) == count, f"{count} were sent")


async def test_replies_to_one_address_leave_in_order(store: SqliteStore) -> None:
    async with working(Post(store)) as post:
        for number in range(30):
            await post.add(f"number {number}")
        await _sent(post, 30)
        assert post.channel.texts() == [f"number {number}" for number in range(30)]


async def test_a_reply_of_any_transaction_leaves_without_a_call_of_the_outbox(store: SqliteStore) -> None:
    async with working(Post(store)) as post:
        await until(lambda: _is_idle(post), "the worker has found nothing to do")
        turn = await running(store, question())
        reply = Reply(channel="sms", to=Address(kind="sms", value="+15550100"))
        answer = OutboxDraft(id=OutboxId(uuid7()), reply=reply, text=None)
        await store.turns.finish(turn.id, outcome(answer="It rains.", replies=[answer]))
        await _sent(post, 1)
        assert post.channel.texts() == ["It rains."]


def _is_idle(post: Post) -> bool:
    return post.outbox._workers["sms"].idle.is_set()


async def test_an_address_that_hangs_holds_up_no_other(store: SqliteStore) -> None:
    post = Post(store)
    post.channel.gate.clear()
    async with working(post):
        for number in range(5):
            await post.add("hello", f"+1555010{number}")
        await until(lambda: len(post.channel.attempts) == 5, "all five are tried side by side")
        post.channel.gate.set()
        await _sent(post, 5)


async def test_a_failed_send_is_retried_later_and_keeps_its_position(store: SqliteStore) -> None:
    post = Post(store)
    post.channel.script.append(TemporaryFailure("busy"))
    async with working(post):
        await post.add("first")
        await until(lambda: len(post.channel.attempts) == 1, "it was tried")
        await post.add("second")
        await post.add("elsewhere", "+15550101")
        await _sent(post, 1)
        assert post.channel.texts() == ["elsewhere"]
        await until(lambda: _is_left(post, 2), "two are left")
        post.later(3)
        await _sent(post, 3)
        assert post.channel.texts("+15550100") == ["first", "second"]


async def test_the_pauses_grow_and_the_provider_s_wish_is_kept(store: SqliteStore) -> None:
    post = Post(store)
    post.channel.script.extend([TemporaryFailure("busy"), TemporaryFailure("busy", retry_after=100), None])
    async with working(post):
        await post.add("hello")
        await until(lambda: _due_in(post, 1.4, 2.6), "again in about two seconds")
        post.later(2.6)
        await until(lambda: _due_in(post, 99, 101), "again when the provider said")
        post.later(101)
        await _sent(post, 1)


async def _due_in(post: Post, least: float, most: float) -> bool:
    due = await post.store.outbox.next_due_ms("sms")
    return due is not None and least * 1000 <= due - post.clock() <= most * 1000


async def test_a_reply_is_given_up_after_many_tries_and_the_next_one_leaves(store: SqliteStore) -> None:
    post = Post(store)
    post.channel.script.extend([TemporaryFailure("busy")] * MAX_ATTEMPTS)
    async with working(post):
        await post.add("hello")
        await post.add("next")
        for attempt in range(1, MAX_ATTEMPTS + 1):
            await until(lambda: len(post.channel.attempts) >= attempt, f"try {attempt}")  # noqa: B023
            await until(lambda: _settled(post), "it is put back or given up")
            post.later(5000)
        await _sent(post, 1)
        assert post.channel.texts() == ["next"]
        assert await post.count(OutboxState.DEAD) == 1


async def _settled(post: Post) -> bool:
    return await post.count(OutboxState.SENDING) == 0


async def test_a_permanent_failure_is_given_up_at_once(store: SqliteStore) -> None:
    post = Post(store)
    post.channel.script.append(PermanentFailure("no such number"))
    async with working(post):
        await post.add("hello")
        await post.add("next")
        await _sent(post, 1)
        assert post.channel.texts() == ["next"]
        assert await post.count(OutboxState.DEAD) == 1


async def test_a_parked_reply_waits_for_its_recipient_and_counts_no_try(store: SqliteStore) -> None:
    post = Post(store)
    post.channel.script.append(TemporaryFailure("they said STOP", parked=True))
    async with working(post):
        await post.add("hello")
        await until(lambda: _due_in(post, 80_000, 90_000), "it is parked for a day")
        await post.add("second")
        await post.outbox.returned("sms", Address(kind="sms", value="+15550100"))
        await _sent(post, 2)
        assert post.channel.texts() == ["hello", "second"]
        assert post.channel.attempts[1].attempt == 1


async def test_a_send_of_unknown_outcome_that_arrived_is_not_repeated(store: SqliteStore) -> None:
    post = Post(store)
    post.channel.script.append(Lose(OutcomeUnknown("timed out")))
    async with working(post):
        await post.add("hello")
        await until(lambda: _is_empty(post), "it is settled")
        assert (len(post.channel.attempts), len(post.channel.asked)) == (1, 1)
        assert post.channel.doubles() == []


async def _is_empty(post: Post) -> bool:
    return await _is_left(post, 0)


async def _is_left(post: Post, count: int) -> bool:
    return await post.unfinished() == count


async def test_a_send_of_unknown_outcome_that_did_not_arrive_is_repeated(store: SqliteStore) -> None:
    post = Post(store)
    post.channel.script.append(OutcomeUnknown("timed out"))
    async with working(post):
        await post.add("hello")
        await _sent(post, 1)
        assert len(post.channel.asked) == 1
        assert [attempt.attempt for attempt in post.channel.attempts] == [1, 2]


async def test_an_unforeseen_error_of_a_channel_is_an_unknown_outcome(store: SqliteStore) -> None:
    post = Post(store)
    post.channel.script.append(Lose(RuntimeError("the library broke")))
    async with working(post):
        await post.add("hello")
        await until(lambda: _is_empty(post), "it is settled")
        assert post.channel.doubles() == []


async def test_a_reply_that_cannot_be_composed_is_given_up_and_the_next_one_leaves(store: SqliteStore) -> None:
    async with working(Post(store)) as post:
        post.channel.script.append(_composing_fails())
        await post.add("hello")
        await post.add("next")
        await _sent(post, 1)
        assert post.channel.texts() == ["next"]
        assert await post.count(OutboxState.DEAD) == 1


def _composing_fails() -> Exception:
    try:
        with composing("reply"):
            "\ud800".encode()
    except PermanentFailure as failure:
        return failure
    raise AssertionError("it was composed")


async def test_an_error_of_the_channel_that_recurs_does_not_hold_up_the_line_for_hours(store: SqliteStore) -> None:
    post = Post(store)
    post.channel.script.extend([RuntimeError("a bug")] * MAX_FAULTS)
    async with working(post):
        await post.add("hello")
        await post.add("next")
        for attempt in range(1, MAX_FAULTS + 1):
            await until(lambda: len(post.channel.attempts) >= attempt, f"try {attempt}")  # noqa: B023
            await until(lambda: _settled(post), "it is put back or given up")
            post.later(60)
        await _sent(post, 1)
        assert post.channel.texts() == ["next"]
        assert await post.count(OutboxState.DEAD) == 1


@pytest.mark.parametrize("error", [PermanentFailure("nobody knows"), RuntimeError("a bug")])
async def test_a_reply_that_the_provider_cannot_be_asked_about_does_not_hold_up_the_line(
    store: SqliteStore, error: Exception
) -> None:
    post = Post(store)
    post.channel.script.append(OutcomeUnknown("timed out"))
    post.channel.answers.extend([error] * (MAX_FAULTS if isinstance(error, RuntimeError) else 1))
    async with working(post):
        await post.add("hello")
        await post.add("next")
        for question in range(1, len(post.channel.answers) + 1):
            await until(lambda: len(post.channel.asked) >= question, f"question {question}")  # noqa: B023
            post.later(16)
        await _sent(post, 1)
        assert post.channel.texts() == ["next"]
        assert await post.count(OutboxState.DEAD) == 1


async def test_while_the_outcome_is_unknown_later_replies_to_the_address_wait_and_the_provider_is_not_pestered(
    store: SqliteStore,
) -> None:
    post = Post(store)
    post.channel.script.append(Lose(OutcomeUnknown("timed out")))
    post.channel.answers.append(Unknown())
    async with working(post):
        await post.add("first")
        await until(lambda: post.channel.asked, "the provider was asked")
        await post.add("second")
        for number in range(20):
            await post.add("elsewhere", f"+155502{number:02}")
        await _sent(post, 21)
        assert post.channel.texts("+15550100") == ["first"]
        assert len(post.channel.asked) == 1
        post.later(16)
        await _sent(post, 22)
        assert post.channel.texts("+15550100") == ["first", "second"]
        assert post.channel.doubles() == []


async def test_the_pauses_between_two_questions_grow_so_that_a_daemon_that_lives_for_seconds_asks_twice(
    store: SqliteStore,
) -> None:
    post = Post(store)
    post.channel.script.append(Lose(OutcomeUnknown("timed out")))
    post.channel.answers.extend([Unknown()] * 6)
    pauses = []
    async with working(post):
        await post.add("hello")
        for number in range(1, 7):
            await until(lambda: len(post.channel.asked) == number, f"asked {number} times")  # noqa: B023
            await until(lambda: _asks_later(post), "it waits")
            pauses.append((post.outbox._workers["sms"].reconcile_ms or 0) - post.clock())
            post.later(pauses[-1] / 1000)
        await until(lambda: _is_empty(post), "it is settled")
    assert pauses == [1_000, 2_000, 4_000, 8_000, 15_000, 15_000]


async def test_a_provider_that_cannot_be_asked_is_asked_again(store: SqliteStore) -> None:
    post = Post(store)
    post.channel.script.append(Lose(OutcomeUnknown("timed out")))
    post.channel.answers.extend([TemporaryFailure("unreachable"), RuntimeError("the library broke")])
    async with working(post):
        await post.add("hello")
        for number in (1, 2):
            await until(lambda: len(post.channel.asked) == number, f"asked {number} times")  # noqa: B023
            await until(lambda: _asks_later(post), "it waits")
            post.later(16)
        await until(lambda: _is_empty(post), "it is settled")
        assert post.channel.doubles() == []


def _asks_later(post: Post) -> bool:
    return (post.outbox._workers["sms"].reconcile_ms or 0) > post.clock()


async def test_a_message_of_the_provider_settles_one_reply_only(store: SqliteStore) -> None:
    post = Post(store)
    async with working(post):
        await post.add("hello")
        await _sent(post, 1)
        post.channel.script.append(OutcomeUnknown("timed out"))
        post.channel.answers.append(Sent(provider_id=post.channel.provider[0][0]))
        await post.add("hello")
        await _sent(post, 2)
        assert post.channel.doubles() == []


async def test_one_that_never_arrives_with_unknown_outcomes_is_given_up(store: SqliteStore) -> None:
    post = Post(store)
    post.channel.script.extend([OutcomeUnknown("500")] * MAX_ATTEMPTS)
    async with working(post):
        await post.add("hello")
        for attempt in range(1, MAX_ATTEMPTS + 1):
            await until(lambda: len(post.channel.attempts) >= attempt, f"try {attempt}")  # noqa: B023
            await until(lambda: _settled(post), "it is put back or given up")
            post.later(5000)
        await until(lambda: _is_empty(post), "it is given up")
        assert await post.count(OutboxState.DEAD) == 1
        assert len(post.channel.attempts) == MAX_ATTEMPTS


async def test_a_restart_asks_before_it_repeats(store: SqliteStore) -> None:
    post = Post(store)
    first, second = await post.add("arrived"), await post.add("did not", "+15550101")
    for outbox_id in (first, second):
        begun = await store.outbox.begin(outbox_id, now_ms=post.clock())
        assert begun is not None
    post.channel.answers.extend([Sent(provider_id="there"), NotSent()])
    async with working(post):
        await _sent(post, 1)
        await until(lambda: _is_empty(post), "both are settled")
        assert post.channel.texts() == ["did not"]


async def test_a_report_moves_a_reply_forward_and_one_about_another_is_ignored(store: SqliteStore) -> None:
    async with working(Post(store)) as post:
        await post.add("hello")
        await until(lambda: _is_empty(post), "it was sent")
        provider_id = post.channel.provider[0][0]
        row = await post.outbox.delivered("sms", Delivery(provider_id=provider_id, state="delivered"))
        assert row is not None
        assert row.state is OutboxState.DELIVERED
        assert await post.outbox.delivered("sms", Delivery(provider_id="strange", state="delivered")) is None


async def test_flush_returns_when_all_that_is_due_has_left(store: SqliteStore) -> None:
    async with working(Post(store)) as post:
        for number in range(10):
            await post.add("hello", f"+1555010{number}")
        await post.outbox.flush(10)
        assert len(post.channel.provider) == 10


async def test_flush_waits_for_a_reply_that_came_while_the_outbox_was_looking(store: SqliteStore) -> None:
    post = Post(store)
    looking = Looking(store.outbox)
    post.outbox = Outbox(looking, clock=post.clock)  # type: ignore[arg-type]
    post.outbox.add_channel(post.channel)
    async with working(post):
        await looking.found_nothing.wait()
        await post.add("hello")
        flushing = asyncio.create_task(post.outbox.flush(10), name="flush")
        await asyncio.sleep(0)  # it asks
        looking.go_on.set()
        await flushing
        assert len(post.channel.provider) == 1


class Looking:
    """Holds what the first look for due replies has found, which is nothing."""

    def __init__(self, store: SqlOutbox) -> None:
        self._store = store
        self.found_nothing = asyncio.Event()
        self.go_on = asyncio.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def next_due_ms(self, channel: str, recipients: Collection[str] | None = None) -> int | None:
        found = await self._store.next_due_ms(channel, recipients)
        self.found_nothing.set()
        await self.go_on.wait()
        return found


async def test_flush_gives_up_on_a_provider_that_hangs(store: SqliteStore) -> None:
    post = Post(store)
    post.channel.gate.clear()
    async with working(post):
        await post.add("hello")
        await until(lambda: post.channel.attempts, "it is tried")
        await post.outbox.flush(0.05)
        assert post.channel.provider == []
    assert await post.count(OutboxState.SENDING) == 1


async def test_a_store_that_refuses_stops_no_delivery_for_good(store: SqliteStore) -> None:
    post = Post(store)
    refusing = Refusing(store.outbox)
    post.outbox = Outbox(refusing, clock=post.clock, storage_pause_seconds=0.01)  # type: ignore[arg-type]
    post.outbox.add_channel(post.channel)
    async with working(post):
        await post.add("hello")
        await until(lambda: refusing.refused >= 4, "it was refused at each step")
        await _sent(post, 1)
        await until(lambda: _is_empty(post), "it is settled")
        assert post.channel.doubles() == []


class Forgetful(RecordingChannel):
    """A channel that cannot find out what it has sent, such as mail."""

    async def reconcile(self, outbound: Outbound) -> Reconciled:
        return NotSent()


async def test_a_reply_known_to_be_sent_is_not_sent_again_when_the_store_refused_to_record_it(
    store: SqliteStore,
) -> None:
    post = Post(store)
    refusing = Refusing(store.outbox)
    post.channel = Forgetful()
    post.outbox = Outbox(refusing, clock=post.clock, storage_pause_seconds=0.01)  # type: ignore[arg-type]
    post.outbox.add_channel(post.channel)
    async with working(post):
        await post.add("hello")
        await until(lambda: "sent" in refusing.seen, "the record of the send was refused")
        await until(lambda: _is_empty(post), "it is recorded")
    assert [outbound.text for outbound in post.channel.attempts] == ["hello"]


class Refusing:
    """An outbox's store that refuses each of its writes and reads the first time."""

    def __init__(self, inner: SqlOutbox) -> None:
        self.refused = 0
        self._inner = inner
        self.seen: set[str] = set()
        self.listen = inner.listen

    def __getattr__(self, name: str) -> object:
        real = getattr(self._inner, name)

        async def call(*args: object, **keywords: object) -> object:
            if name not in self.seen:
                self.seen.add(name)
                self.refused += 1
                raise StorageError("the disk is full")
            return await real(*args, **keywords)

        return call


@pytest.mark.parametrize(
    "failure",
    [TemporaryFailure("busy"), TemporaryFailure("away", parked=True), TemporaryFailure("busy", retry_after=10**9)],
    ids=["retry", "parked", "retry after years"],
)
@pytest.mark.parametrize("back", [3600, 400 * 86_400], ids=["an hour", "a year"])
@pytest.mark.parametrize("restarted", [False, True])
async def test_a_clock_that_goes_back_stops_no_reply(
    store: SqliteStore, failure: Exception, back: int, restarted: bool
) -> None:
    post = Post(store)
    post.channel.script.append(failure)
    async with working(post):
        await post.add("first")
        await post.add("second")
        await until(lambda: _put_back(post), "the first one was put back")
        if not restarted:
            post.later(-back)
            await _sent(post, 2)
    if restarted:
        post.outbox = Outbox(store.outbox, clock=post.clock)
        post.outbox.add_channel(post.channel)
        post.clock.ms -= back * 1000
        async with working(post):
            await _sent(post, 2)
    assert post.channel.texts() == ["first", "second"]


async def _put_back(post: Post) -> bool:
    return len(post.channel.attempts) == 1 and await post.count(OutboxState.PENDING) == 2


async def test_a_clock_that_goes_back_delays_no_question_about_an_unknown_outcome(store: SqliteStore) -> None:
    post = Post(store)
    post.channel.script.append(OutcomeUnknown("no answer"))
    post.channel.answers.extend([Unknown()] * 2)
    async with working(post):
        await post.add("first")
        await until(lambda: len(post.channel.asked) == 1, "the provider was asked")
        await until(lambda: _is_idle(post), "the worker waits")
        post.later(-86_400)
        await until(lambda: len(post.channel.asked) == 2, "the provider was asked again")
