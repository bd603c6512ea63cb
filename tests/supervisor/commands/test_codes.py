"""A code counts for what it was told for: with the word of another kind it does nothing, and counts on."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.protocol.codes import CodeKind
from supervisor.protocol.messages import UserId
from supervisor.protocol.status import Target
from supervisor.protocol.times import DAY_MS, now_ms
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import result, scripted, text_message

WORDS = {
    "YES {}": CodeKind.APPROVAL,
    "YES {} 30": CodeKind.APPROVAL,
    "NO {}": CodeKind.APPROVAL,
    "CONTINUE {}": CodeKind.TURN,
    "RETRY {}": CodeKind.TURN,
    "DROP {}": CodeKind.TURN,
    "UNDO {}": CodeKind.UNDO,
    "ADD 5 {}": CodeKind.BUDGET,
}
OTHERS = [(word, kind) for word, own in WORDS.items() for kind in CodeKind if kind is not own]


@pytest.mark.parametrize(("word", "kind"), OTHERS)
async def test_a_code_with_the_word_of_another_kind_does_nothing(tmp_path: Path, word: str, kind: CodeKind) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        code = await core.store.codes.issue(kind, "what it stands for", UserId("alice"), until_ms=now_ms() + DAY_MS)
        receipt = await core.intake.accept(text_message(word.format(code)))
        turn = (await result(core, receipt.message_id)).turn
        assert (turn.target, code in turn.reason) == (Target.COMMAND, True)
        found = await core.store.codes.find(code)
        assert found is not None
        assert found.is_open(now_ms())
        assert scripted(core).prompts == []
