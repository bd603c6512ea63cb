"""From a mail to the core."""

from __future__ import annotations

import hashlib
import time

import pytest

from channels.mail.incoming.loops import LOOP
from channels.mail.incoming.quotes import FOREIGN, LEFT_OUT, MARKED
from channels.mail.incoming.receiver import MAX_KEPT
from supervisor.protocol.messages import Address, Reply, Trust
from tests.channels.hosts import RecordingHost
from tests.channels.mail.fixtures import ADMIN, AUTHSERV, PASSED, US, mail, received

ID = "01890a5d-ac96-774b-bcce-b302099a8057"


async def test_proven_mail_is_accepted_with_all_fields() -> None:
    raw = mail(("In-Reply-To", "<b@x>"), ("References", "<a@x> <b@x>"), Reply_To="eve@example.net")
    (inbound,) = await received(raw)
    assert (inbound.channel, inbound.account, inbound.trust) == ("mail", US, Trust.VERIFIED)
    assert inbound.sender == Address(kind="mail", value=ADMIN)
    assert (inbound.text, inbound.subject, inbound.note) == ("please build it", "build", "")
    assert inbound.digest == hashlib.sha256(raw).hexdigest()
    assert inbound.reply == Reply(
        channel="mail",
        to=Address(kind="mail", value=ADMIN),
        account=US,
        meta={"subject": "build", "in_reply_to": "<first@example.com>", "references": ["<a@x>", "<b@x>"]},
    )


@pytest.mark.parametrize(
    "raw",
    [
        mail(Authentication_Results=None),
        mail(Authentication_Results="evil.net; dmarc=pass header.from=example.com"),
        mail(Authentication_Results=f"{AUTHSERV}; dmarc=fail header.from=example.com"),
        mail(("Authentication-Results", PASSED), Authentication_Results="evil.net; none"),
        mail(("From", "eve@example.net")),
        mail(From="admin@example.com, eve@example.net"),
        mail(From="admin@example.com.evil.org"),
        mail(From="admin@example.com <eve@example.net>"),
        mail(From=None),
        mail(From=f"Bot <{US}>", Authentication_Results=f"{AUTHSERV}; dmarc=pass header.from=example.org"),
        mail(From="bot+x@example.org", Authentication_Results=f"{AUTHSERV}; dmarc=pass header.from=example.org"),
        mail(("Auto-Submitted", "auto-generated")),
        mail(("Precedence", "bulk")),
        mail(("List-Id", "<x>")),
        mail(("X-Auto-Response-Suppress", "All")),
        mail(("Content-Type", "multipart/report; boundary=x")),
        mail(Subject="x\nFrom: eve@example.net"),
        b"",
        b"\r\n\r\n",
        b"\xff" * 100,
    ],
)
async def test_forged_or_automatic_mail_is_dropped_and_recorded(raw: bytes) -> None:
    host = RecordingHost()
    assert await received(raw, host=host) == []
    ((sender, why),) = host.traces
    assert sender
    assert ": " in why
    assert "please build it" not in why


async def test_a_dropped_mail_that_names_a_user_is_kept_for_operators() -> None:
    host = RecordingHost()
    forged = mail(Authentication_Results=f"{AUTHSERV}; dmarc=fail header.from=example.com")
    assert await received(forged, mail(("Precedence", "bulk")), host=host) == []
    assert [(one.text, one.subject, one.sender.value, one.trust) for one in host.kept] == [
        ("please build it", "build", ADMIN, Trust.CLAIMED)
    ] * 2
    assert [sender for sender, _ in host.traces] == [ADMIN] * 2


async def test_a_mail_of_nobody_and_a_large_one_are_not_read() -> None:
    host = RecordingHost()
    host.strangers.add(Address(kind="mail", value="eve@example.net"))
    large = mail(Authentication_Results=None, body="x" * MAX_KEPT)
    stranger = mail(From="eve@example.net", Authentication_Results=None)
    ours = mail(From=US, Authentication_Results=None)
    assert await received(large, stranger, ours, host=host) == []
    assert len(host.traces) == 3
    assert host.kept == []


async def test_bounce_is_dropped() -> None:
    assert await received(mail(), envelope_from="<>") == []


async def test_forged_result_below_ours_changes_nothing() -> None:
    (inbound,) = await received(mail(("Authentication-Results", "evil.net; dmarc=fail")))
    assert inbound.sender.value == ADMIN


async def test_same_mail_with_other_received_headers_is_accepted_once() -> None:
    assert len(await received(mail(), mail(("Received", "by mx.example.org; again")))) == 1


async def test_same_message_id_with_other_words_is_another_mail() -> None:
    accepted = await received(mail(body="one"), mail(body="two"))
    assert [inbound.text for inbound in accepted] == ["one", "two"]


async def test_thread_of_an_earlier_answer_is_found() -> None:
    host = RecordingHost()
    host.threads[f"<{ID}@example.org>"] = "known"
    one = mail(("In-Reply-To", f"<{ID}@example.org>"), body="one")
    two = mail(("References", f"<a@x> <{ID}@example.org> <c@x>"), body="two")
    assert [inbound.thread for inbound in await received(one, two, host=host)] == ["known", "known"]


@pytest.mark.parametrize(
    ("headers", "thread"),
    [
        ([], "<first@example.com>"),
        ([("References", "<root@x> <b@x>"), ("In-Reply-To", "<b@x>")], "<root@x>"),
        ([("In-Reply-To", "<b@x>")], "<b@x>"),
    ],
)
async def test_new_thread_is_named_by_its_root(headers: list[tuple[str, str]], thread: str) -> None:
    (inbound,) = await received(mail(*headers))
    assert inbound.thread == thread


async def test_subject_alone_makes_no_thread() -> None:
    one, two = await received(mail(Message_ID="<1@x>"), mail(Message_ID="<2@x>", Subject="Re: build"))
    assert one.thread != two.thread


async def test_mail_without_message_id_is_a_thread_of_its_own() -> None:
    one, two = await received(mail(Message_ID=None, body="one"), mail(Message_ID=None, body="two"))
    assert one.thread
    assert one.thread != two.thread


async def test_an_answer_to_a_mail_whose_send_is_not_confirmed_is_known_by_the_id_of_the_reply() -> None:
    host = RecordingHost()
    host.threads[ID], host.texts[ID] = "known", "theirs"
    (answer,) = await received(
        mail(
            ("In-Reply-To", f"<{ID.upper()}@EXAMPLE.org>"),
            body="mine\n\nOn 3 Nov 2026, at 10:00, Bot <bot@example.org> wrote:\n> theirs",
        ),
        host=host,
    )
    assert (answer.thread, answer.text) == ("known", "mine")


async def test_the_quotation_of_our_answer_is_left_out_and_all_else_is_kept() -> None:
    host = RecordingHost()
    host.texts[f"<{ID}@example.org>"] = "theirs"
    quoting = "mine\n\nOn 3 Nov 2026, at 10:00, Bot <bot@example.org> wrote:\n> theirs"
    answer, first, bare = await received(
        mail(("In-Reply-To", f"<{ID}@example.org>"), body=quoting),
        mail(Message_ID="<2@x>", body=quoting),
        mail(body="> theirs\nyes KXQPT"),
        host=host,
    )
    assert answer.text == "mine"
    assert answer.note == f"{LEFT_OUT}; above it stood: On 3 Nov 2026, at 10:00, Bot <bot@example.org> wrote:"
    assert first.text == "mine\n> On 3 Nov 2026, at 10:00, Bot <bot@example.org> wrote:\n> theirs"
    assert first.note == FOREIGN
    assert (bare.text, bare.note) == ("> theirs\nyes KXQPT", MARKED)


@pytest.mark.parametrize(
    ("earlier", "subject", "handed_in"),
    [
        ("Build", "Re: Build", ""),
        ("Build", "Vá: Build", ""),
        ("Re: Build", "AW: Re: Build", ""),
        ("Build", "[EXT] Re: Build", ""),
        ("x" * 300, f"Re: {'x' * 200}", ""),
        ("", "Re:", ""),
        ("Build", "Re: Deploy", "Re: Deploy"),
        ("Build", "claude: something else", "claude: something else"),
        ("", "Re: Deploy", "Re: Deploy"),
    ],
)
async def test_a_subject_is_handed_in_unless_it_repeats_that_of_the_mail_that_is_answered(
    earlier: str, subject: str, handed_in: str
) -> None:
    host = RecordingHost()
    host.texts[f"<{ID}@example.org>"], host.subjects[f"<{ID}@example.org>"] = "done", earlier
    (inbound,) = await received(mail(("In-Reply-To", f"<{ID}@example.org>"), Subject=subject), host=host)
    assert inbound.subject == handed_in
    assert inbound.reply is not None
    assert inbound.reply.meta["subject"] == subject


async def test_mail_without_text_is_accepted_with_a_note() -> None:
    (inbound,) = await received(mail(body=""))
    assert (inbound.text, inbound.note) == ("", "the mail had no text")


async def test_any_number_of_mails_of_a_person_reaches_the_core() -> None:
    host = RecordingHost()
    await received(*(mail(body=f"number {number}") for number in range(30)), host=host)
    assert len(host.accepted) == 30
    assert host.traces == []


async def test_mail_in_a_long_thread_is_handed_in_with_its_reason() -> None:
    hops = " ".join(f"<01890a5d-ac96-774b-bcce-b302099a80{n:02d}@example.org>" for n in range(10, 31))
    (inbound,) = await received(mail(("References", hops), body="YES KXQPT"))
    assert inbound.automatic == LOOP


async def test_content_of_a_stranger_is_not_read() -> None:
    hostile = mail(("Content-Type", "text/html"), body="<td>x" * 200_000)
    known, unknown = RecordingHost(), RecordingHost()
    unknown.strangers.add(Address(kind="mail", value=ADMIN))
    costs = []
    for host in (known, unknown):
        begin = time.process_time()
        await received(hostile, host=host)
        costs.append(time.process_time() - begin)
    assert len(known.accepted) == 1
    assert unknown.accepted == []
    assert f"nobody has the address {ADMIN}" in unknown.traces[0][1]
    assert costs[1] < costs[0] / 4
