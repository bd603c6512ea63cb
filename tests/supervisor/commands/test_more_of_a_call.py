"""MORE CODE: whoever may answer a question reads its whole call by text, part by part, without a gap."""

from __future__ import annotations

import re
from pathlib import Path

from channels.sms.body.shaping import MORE_NOTE, shape
from supervisor.commands.reading import words
from supervisor.delivery.outbound import outbound_of
from supervisor.protocol.conversation import ToolCall
from supervisor.protocol.messages import VERBATIM, MessageId
from supervisor.store.ports.approvals import Approval
from supervisor.store.records.outbox import OutboxRow
from tests.fakes import ScriptedConnector
from tests.supervisor.approvals.questions import answer_of, asking, say
from tests.supervisor.harness import Core
from tests.supervisor.helpers import scripted, text_message
from tests.waiting import until

LONG = "git " + " ".join(f"word{number}" for number in range(400))


async def sent(core: Core, *, segments: int = 9) -> list[tuple[OutboxRow, str]]:
    """Send every text as the SMS channel does; return the rows with what their phone shows."""
    found = []
    while due := await core.store.outbox.due("sms", now_ms=2**60, limit=9):
        for row in due:
            begun = await core.store.outbox.begin(row.id, now_ms=1)
            assert begun is not None
            body = shape(outbound_of(begun).text, max_segments=segments, offset=begun.meta.get("offset", 0))
            cut = body.next_offset is not None
            note = f"more:{body.next_offset}" if cut else "more:end" if begun.meta.get("offset") else ""
            await core.store.outbox.sent(row.id, row.id, note, (), now_ms=1)
            found.append((row, body.text.removesuffix(MORE_NOTE)))
    return found


async def more(core: Core, approval: Approval, *, segments: int = 9, key: str | None = None) -> str:
    """Write MORE CODE and return what the phone shows then."""
    await core.intake.accept(text_message(f"more {approval.code.lower()}.", key=key))
    ((row, text),) = await sent(core, segments=segments)
    assert row.meta[VERBATIM] is True
    return text


async def ended(core: Core, message_id: MessageId, approval: Approval) -> None:
    """End the turn that waits."""
    await say(core, f"NO {approval.code}")
    await answer_of(core, message_id)


def test_more_takes_a_code() -> None:
    assert words.parse("more kxqpt.") == words.Command(words.Word.MORE, "KXQPT")
    assert words.parse("MORE") == words.Command(words.Word.MORE)
    assert words.parse("more of this") is None


async def test_each_more_shows_the_next_part_until_the_end(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await asking(core, LONG)
        whole = f"Bash {LONG}"
        assert approval.text == whole
        ((_, question),) = await sent(core)
        assert f"The call has {len(whole)} characters. Its end is not shown here" in question
        read = question.split(":\n", 1)[1]
        while len(read) < len(whole):
            head, _, part = (await more(core, approval)).partition("\n")
            place = f"characters {len(read) + 1} to {len(read) + len(part)} of {len(whole)}"
            read += part
            follows = "this is its end" if len(read) == len(whole) else f"MORE {approval.code} shows the next part"
            assert head == f"[site] {approval.code}, {place}, {follows}:"
        assert read == whole
        assert await more(core, approval) == (
            f"There is nothing more: {approval.code} was shown to its end. MORE {approval.code} begins again."
        )
        assert "characters 1 to 994" in await more(core, approval)
        await ended(core, message_id, approval)


async def test_what_the_channel_cuts_off_is_shown_before_the_next_part(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        command = "git " + "".join(f"<ж{number}>" for number in range(150))  # ж: 67 characters a segment
        message_id, approval = await asking(core, command)
        ((_, text),) = await sent(core, segments=3)
        shown = [text]
        while "<ж149>" not in "".join(shown):
            shown.append(await more(core, approval, segments=3))
        assert "There is nothing more" in await more(core, approval, segments=3)
        seen = re.findall(r"<ж(\d+)", "".join(re.sub(r"\[site\] [A-Z]{5}, .*:\n", "", text) for text in shown))
        assert list(dict.fromkeys(map(int, seen))) == list(range(150))
        await ended(core, message_id, approval)


async def test_a_text_that_is_delivered_twice_shows_one_part_and_one_that_has_not_left_is_sent_again(
    tmp_path: Path,
) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        message_id, approval = await asking(core, LONG)
        await sent(core)
        assert "characters 237 to" in await more(core, approval, key="SM1")
        await core.intake.accept(text_message(f"more {approval.code}", key="SM1"))
        assert await sent(core) == []
        for _ in range(2):
            await core.intake.accept(text_message(f"MORE {approval.code}"))
        places = [text[:60] for _, text in await sent(core)]
        assert len(places) == 2
        assert len(set(places)) == 1
        await ended(core, message_id, approval)


async def test_only_who_may_answer_reads_the_call(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await core.accounts.put_user("bob", name="Bob", role="ADMIN", phones=["+15550101"])
        message_id, approval = await asking(core, LONG)
        await sent(core)
        for text in (f"MORE {approval.code}", "MORE BBBBB" if approval.code != "BBBBB" else "MORE CCCCC"):
            await core.intake.accept(text_message(text, phone="+15550101"))
        said = [text for _, text in await sent(core)]
        assert [text[:37] for text in said] == ["No question for you has the code " + text[33:37] for text in said]
        await ended(core, message_id, approval)


async def test_a_call_that_nobody_could_read_is_denied_at_once(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await core.intake.accept(text_message("claude: hold"))
        await until(scripted(core).held, "its turn runs")
        spec = scripted(core).opened[-1].spec
        call = ToolCall(tool_use_id="t1", name="Bash", input={"command": "x" * 600_000})
        verdict = await spec.decide(call)
        assert not verdict.allowed
        assert verdict.reason.endswith("nobody can read a call of more than 524288 characters")
        scripted(core).release()
