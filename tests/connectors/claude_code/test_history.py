"""Transcripts are found and set aside, and a lost conversation is told again."""

from __future__ import annotations

from pathlib import Path

from connectors.claude_code.history import (
    END_BYTES,
    MAX_HISTORY,
    NOTICE,
    content,
    find_transcript,
    last_folder,
    moved,
    preamble,
    retelling,
    set_aside,
)
from supervisor.protocol.conversation import Exchange, Prompt
from supervisor.protocol.messages import MessageId


def transcript(config: Path, text: str, name: str = "id") -> Path:
    folder = config / "projects" / "-srv-demo"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jsonl"
    path.write_text(text)
    return path


def test_a_transcript_is_found_by_its_id(tmp_path: Path) -> None:
    path = transcript(tmp_path, "{}")
    transcript(tmp_path, "{}", "other")
    assert find_transcript(tmp_path, "id") == path


def test_no_transcript_is_none(tmp_path: Path) -> None:
    assert find_transcript(tmp_path, "id") is None


def test_what_is_set_aside_is_kept(tmp_path: Path) -> None:
    for text in ("first", "second"):
        transcript(tmp_path, text)
        assert set_aside(tmp_path, "id")
    assert not set_aside(tmp_path, "id")
    assert find_transcript(tmp_path, "id") is None
    kept = sorted(path.read_text() for path in tmp_path.glob("projects/*/id.unreadable-*"))
    assert kept == ["first", "second"]


def test_a_history_is_told_oldest_first() -> None:
    told = preamble([Exchange(prompt="one", answer="two"), Exchange(prompt="three", answer="four")])
    assert [word for word in told.split() if word in ("one", "two", "three", "four")] == ["one", "two", "three", "four"]
    assert "left out" not in told


def test_only_a_conversation_with_a_past_is_told_again() -> None:
    assert retelling([]) is None
    told = retelling([Exchange(prompt="one", answer="two")])
    assert told is not None
    assert (told.notice, "one" in told.preamble) == (NOTICE, True)


def test_a_long_history_loses_its_oldest_part_and_says_so() -> None:
    history = [Exchange(prompt=f"prompt {n}", answer="x" * (MAX_HISTORY // 3)) for n in range(5)]
    told = preamble(history)
    assert len(told) < MAX_HISTORY + 1000
    assert "(3 earlier messages are left out.)" in told
    assert "prompt 4" in told
    assert "prompt 2" not in told


def test_what_a_service_sent_along_follows_the_words() -> None:
    assert content(Prompt(message_id=MessageId("m"), text="hi")) == "hi"
    told = content(Prompt(message_id=MessageId("m"), text="hi", context={"ticket": "T-1"}))
    assert told.startswith("hi\n\n<context>")
    assert '"ticket": "T-1"' in told


def test_the_last_folder_is_that_of_the_last_whole_entry(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("")
    assert last_folder(path) is None
    path.write_text('{"cwd": "/old"}\n{"cwd": "/new"}\n{"type": "mode"}\n{"cwd": "/cut')
    assert last_folder(path) == "/new"
    path.write_text('{"cwd": "/far"}\n' + '{"x": "' + "y" * END_BYTES + '"}')
    assert last_folder(path) is None


def test_only_a_folder_that_has_moved_is_told() -> None:
    assert moved(None, "/new") is None
    assert moved("/new", "/new") is None
    assert moved("/new/sub", "/new") is None
    told = moved("/old", "/new")
    assert told is not None
    assert '"/new"' in told.preamble
    assert '"/old"' in told.preamble
    assert told.notice == ""
