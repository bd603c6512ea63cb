"""UNDO by text: asked once with the list, carried out by its code alone, and reversed by the next one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from supervisor.commands.undo import ASKED_MS, UndoCommands, _short
from supervisor.protocol.messages import SENTENCE
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import ALICE_PHONE, Core
from tests.supervisor.helpers import ask, connect, result, text_message


def core_with(folder: Path) -> Core:
    return Core(folder, connector=ScriptedConnector())


async def say(core: Core, text: str, phone: str = ALICE_PHONE) -> str:
    """Text a word and return what its sender is told."""
    receipt = await core.intake.accept(text_message(text, phone=phone))
    return (await result(core, receipt.message_id)).turn.reason


async def test_a_bare_undo_only_asks_and_its_code_does_it_once(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await connect(core)
        await ask(core, "write a.txt new")
        path = core.site / "a.txt"
        asked = await say(core, "undo")
        assert 'Your message "write a.txt new" changed 1 file in site: a.txt.' in asked
        assert path.exists()
        (code,) = re.findall(r"Reply UNDO ([A-Z]{5})", asked)
        done = await say(core, f"UNDO {code}")
        assert done.startswith("Taken back: a.txt.")
        assert not path.exists()
        assert "used already" in await say(core, f"UNDO {code}")
        assert not path.exists()
        (again,) = re.findall(r"UNDO ([A-Z]{5})", done)
        assert (await say(core, f"UNDO {again}")).startswith("Brought back: a.txt.")
        assert path.exists()


async def test_undo_without_a_change_says_so(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        assert "None of your messages changed a file" in await say(core, "UNDO")
        await connect(core)
        await ask(core, "write a.txt new")
        (core.site / "a.txt").unlink()
        assert "is no longer there" in await say(core, "UNDO")


@pytest.mark.parametrize("code", ["BBBBB", "bcdfg"])
async def test_a_wrong_code_touches_nothing(tmp_path: Path, code: str) -> None:
    async with core_with(tmp_path) as core:
        await connect(core)
        await ask(core, "write a.txt new")
        assert "Nothing was touched" in await say(core, f"UNDO {code}")
        assert (core.site / "a.txt").exists()


async def test_another_users_code_touches_nothing(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await core.accounts.put_user("bob", name="Bob", role="ADMIN", phones=["+15550101"])
        await connect(core)
        await ask(core, "write a.txt new")
        (code,) = re.findall(r"Reply UNDO ([A-Z]{5})", await say(core, "UNDO"))
        assert "Nothing was touched" in await say(core, f"UNDO {code}", "+15550101")
        assert (core.site / "a.txt").exists()


async def test_an_expired_code_touches_nothing(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await connect(core)
        await ask(core, "write a.txt new")
        (code,) = re.findall(r"Reply UNDO ([A-Z]{5})", await say(core, "UNDO"))
        found = await core.store.codes.find(code)
        assert found is not None
        late = UndoCommands(core.store.codes, core.store.changes, core.undo, clock=lambda: found.until_ms + 1)
        assert "no longer valid" in (await late._carry_out(code, found.user_id)).text
        assert ASKED_MS > 0
        assert (core.site / "a.txt").exists()


async def test_a_conflict_is_told_and_nothing_is_half_done(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await connect(core)
        await ask(core, "write a.txt new")
        (code,) = re.findall(r"Reply UNDO ([A-Z]{5})", await say(core, "UNDO"))
        (core.site / "a.txt").write_text("by hand\n", encoding="utf-8")
        assert "nothing was touched: changed since in the same places: a.txt" in await say(core, f"UNDO {code}")
        assert (core.site / "a.txt").read_text(encoding="utf-8") == "by hand\n"


async def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await connect(core)
        await ask(core, "write a.txt new")
        core.site.rename(tmp_path / "elsewhere")
        assert "is gone" in await say(core, "UNDO")


@pytest.mark.parametrize(
    ("name", "word", "units"),
    [("a", "w", 4 * 153), ("ä", "w", 4 * 67), ("\U0001f600", "w", 4 * 67), ("a", "ä", 4 * 67)],
)
def test_the_question_fits_four_segments(name: str, word: str, units: int) -> None:
    text = word * 60
    for paths in ((f"{name * 100}.txt",), tuple(f"{name * 40}{number}" for number in range(900))):
        question = (
            f'Your message "{text}" changed 900 files in {"p" * 16}: {_short(paths, text)}. '
            "Reply UNDO BCDFG to take that back."
        )
        assert len(question.encode("utf-16-le")) // 2 <= units


async def test_the_conversation_that_was_used_last_is_meant(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        for name in ("s1", "s2"):
            await connect(core, name)
        await ask(core, "write a.txt new", "s1")
        await ask(core, "write b.txt new", "s2")
        assert "write b.txt new" in await say(core, "UNDO")
        await ask(core, "hello", "s1")
        assert "write a.txt new" in await say(core, "UNDO")


async def test_the_names_of_files_are_no_markdown(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await connect(core)
        await ask(core, "write __init__.py new")
        await say(core, "undo")
        (told,) = await core.store.outbox.due("sms", now_ms=2**60, limit=9)
        assert told.text is not None
        assert "changed 1 file in site: __init__.py." in told.text
        assert told.meta[SENTENCE]
