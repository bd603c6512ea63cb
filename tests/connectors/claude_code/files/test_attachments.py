"""The files of a message in the folder of its session."""

from __future__ import annotations

import stat
from pathlib import Path

from connectors.claude_code.files.attachments import hand_over
from supervisor.permissions.policy import NeedsApproval, decide
from supervisor.protocol.conversation import Attachment, ToolCall
from supervisor.protocol.status import Permissions


def call(tool: str, path: Path) -> ToolCall:
    return ToolCall(tool_use_id="t1", name=tool, input={"file_path": str(path)})


async def test_a_copy_can_be_read_unasked_and_nothing_beside_it(tmp_path: Path) -> None:
    state, project = tmp_path / "state", tmp_path / "project"
    home = state / "sessions" / "s1"
    for folder in (state / "uploads" / "u1", project, home):
        folder.mkdir(parents=True)
    source = state / "uploads" / "u1" / "a.txt"
    source.write_text("hello", encoding="utf-8")
    file = Attachment(id="u1", name="a.txt", media_type="text/plain", size=5, path=str(source))
    gone = Attachment(id="u2", name="b.txt", media_type="text/plain", size=5, path=str(tmp_path / "gone"))

    told = await hand_over([file, gone], str(home))
    assert await hand_over([file, gone], str(home)) == told  # a prompt that is repeated
    assert await hand_over([], str(home)) == ""
    copy = home / "uploads" / "u1" / "a.txt"
    assert told == (
        f"(Attached by the person, to be read only: {copy} (text/plain, 5 bytes))\n"
        "(A file that the person attached cannot be read any more: b.txt)"
    )
    assert (copy.read_text(encoding="utf-8"), stat.S_IMODE(copy.stat().st_mode)) == ("hello", 0o400)

    def allowed(tool: str, path: Path) -> bool | str:
        verdict = decide(
            call(tool, path), Permissions.ASK, str(project), own=[str(state.resolve())], home=str(home.resolve())
        )
        return "asks" if isinstance(verdict, NeedsApproval) else verdict.allowed

    assert allowed("Read", copy) is True
    assert allowed("Edit", copy) == "asks"
    assert allowed("Read", home / "uploads" / ".." / "mcp.json") == "asks"
    assert allowed("Read", source) is False
