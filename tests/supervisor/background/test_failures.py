"""A person whose reply did not arrive is told by another of their addresses, with the reply."""

from __future__ import annotations

from pathlib import Path

from supervisor.people.rate_limits import NOTICES
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import VERBATIM, Address, Delivery, OutboxId, Reply, UserId
from supervisor.protocol.status import OutboxState
from supervisor.store.records.outbox import OutboxDraft, OutboxRow
from tests.fakes import RecordingChannel
from tests.supervisor.harness import ALICE_MAIL, ALICE_PHONE, Core

MAIL, PHONE = Address(kind="mail", value=ALICE_MAIL), Address(kind="sms", value=ALICE_PHONE)
ALICE = UserId("alice")


def with_channels(core: Core, *names: str) -> Core:
    for name in names:
        channel = RecordingChannel()
        channel.name = name
        core.outbox.add_channel(channel)
    return core


async def sent(core: Core, to: Address, text: str = "Done.", user: UserId = ALICE, **meta: object) -> OutboxId:
    """Write a reply that the provider accepts under the reply's own id."""
    reply = Reply(channel=to.kind, to=to, meta=meta)
    draft = OutboxDraft(id=OutboxId(uuid7()), reply=reply, text=text)
    await core.store.outbox.add(draft, user_id=user, now_ms=1)
    await core.store.outbox.begin(draft.id, now_ms=2)
    await core.store.outbox.sent(draft.id, draft.id, "", (), now_ms=3)
    return draft.id


async def bounced(core: Core, reply: OutboxId, channel: str = "mail") -> OutboxRow:
    report = Delivery(provider_id=reply, state="undelivered", error="the mailbox is full (status 5.2.2)")
    row = await core.outbox.delivered(channel, report)
    assert row is not None
    return row


async def waiting(core: Core, channel: str) -> list[OutboxRow]:
    return await core.store.outbox.due(channel, now_ms=2**60, limit=100)


async def test_a_bounced_answer_is_told_by_text_with_what_it_said(tmp_path: Path) -> None:
    async with Core(tmp_path) as core:
        with_channels(core, "sms", "mail")
        reply = await sent(core, MAIL, "**Done.**", prefix="[site]", subject="Re: build")
        assert (await bounced(core, reply)).state is OutboxState.UNDELIVERED
        (notice,) = await waiting(core, "sms")
        why = "the mailbox is full (status 5.2.2)"
        assert notice.text == f"This mail to {ALICE_MAIL} did not arrive: {why}.\n\n**Done.**"
        assert (notice.to, notice.user_id, notice.meta["prefix"]) == (PHONE, ALICE, "[site]")
        await bounced(core, reply)
        assert len(await waiting(core, "sms")) == 1, "a report that is repeated is told once"
        assert await waiting(core, "mail") == []


async def test_a_text_that_fails_or_is_given_up_is_told_by_mail(tmp_path: Path) -> None:
    async with Core(tmp_path) as core:
        with_channels(core, "sms", "mail")
        await bounced(core, await sent(core, PHONE, "rm -rf *", verbatim=True), "sms")
        (notice,) = await waiting(core, "mail")
        assert notice.meta == {VERBATIM: True, "subject": "Not delivered", "failed": [f"sms:{ALICE_PHONE}"]}
        assert await core.store.outbox.begin(notice.id, now_ms=1)
        await core.outbox._give_up(notice, "the server refuses it")
        assert await waiting(core, "sms") == [], "an address that failed is not tried again"


async def test_a_person_without_another_address_or_channel_gets_no_notice(tmp_path: Path) -> None:
    async with Core(tmp_path) as core:
        with_channels(core, "mail")
        await bounced(core, await sent(core, MAIL))
        await bounced(core, await sent(core, MAIL, user=UserId("bob")))
        await bounced(core, await sent(core, Address(kind="mail", value="old@example.org")))
        assert [await waiting(core, channel) for channel in ("sms", "mail")] == [[], []]


async def test_a_mailbox_that_is_full_does_not_fill_the_phone(tmp_path: Path) -> None:
    async with Core(tmp_path) as core:
        with_channels(core, "sms", "mail")
        for number in range(NOTICES + 3):
            await bounced(core, await sent(core, MAIL, f"answer {number}"))
        rows = await core.store.outbox.given_up(since_ms=0, user_id=ALICE, limit=100)
        assert len(rows) == NOTICES + 3
        notices = 0
        while row := next(iter(await waiting(core, "sms")), None):
            notices += 1
            await core.store.outbox.dead(row.id, "seen", now_ms=4)
        assert notices == NOTICES
