"""The call of a question: its digests cover all that changes what it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from supervisor.approvals.call import AskedCall
from supervisor.protocol.conversation import ToolCall
from supervisor.protocol.messages import SessionId
from supervisor.store.records.session import Session
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import connect, session


def asked(call: ToolCall, place: Session, links: Sequence[str] = ()) -> AskedCall:
    """Return a call of a session."""
    return AskedCall(call=call, session=place, links=links)


async def test_the_hash_covers_the_call_the_folder_and_the_session(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        place = await session(core)
        call = ToolCall(tool_use_id="u1", name="Bash", input={"command": "ls"})
        others = [
            asked(replace(call, input={"command": "ls "}), place).digest,
            asked(replace(call, name="Write"), place).digest,
            asked(replace(call, tool_use_id="u2"), place).digest,
            asked(replace(call, agent_id="a"), place).digest,
            asked(call, replace(place, project_path="/elsewhere")).digest,
            asked(call, replace(place, id=type(place.id)("s2"))).digest,
        ]
        assert len({asked(call, place).digest, *others}) == 7
        assert asked(replace(call, input={"command": "ls"}), place).digest == asked(call, place).digest

        foreseen = asked(replace(call, preview="Lists\nthe folder"), place)
        assert foreseen.digest == asked(call, place).digest, "what its server says of it changes nothing"
        assert foreseen.text == f"Lists\\nthe folder\n{asked(call, place).text}"
        assert foreseen.one_line == f"{asked(call, place).one_line}: Lists\\nthe folder"

        told = replace(call, tool_use_id="u2", input={"command": "ls", "description": "Look"})
        assert asked(told, place).repeat_digest == asked(call, place).repeat_digest, "in other words it does the same"
        below = asked(replace(call, folder=f"{place.project_path}/sub"), place)
        at_top = asked(replace(call, folder=place.project_path), place)
        assert below.digest != asked(call, place).digest
        assert below.repeat_digest != asked(call, place).repeat_digest
        assert at_top.digest == asked(call, place).digest
        assert at_top.repeat_digest == asked(call, place).repeat_digest
        timed = replace(call, input={"command": "ls", "timeout": 9})
        assert asked(timed, place).repeat_digest != asked(call, place).repeat_digest
        written = replace(call, name="Write", input={"description": "x"})
        assert asked(written, place).repeat_digest != asked(replace(written, input={}), place).repeat_digest


async def test_the_digests_of_stored_questions_stay_valid(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        place = replace(await session(core), id=SessionId("s1"), project_path="/srv/site")
    call = ToolCall(tool_use_id="u1", name="Bash", input={"command": "ls", "description": "List"}, agent_id="a")
    stored = asked(call, place, ("/etc/motd",))
    assert stored.digest.hex() == "822784990fc2fc8ea4fe4d9583213a0b2ce75aafe4742bf80ba9524c1bde1e5b"
    assert stored.repeat_digest.hex() == "fea3ce3d59d33524c2d15c85777dcf7ab48a34d6ce973f5d67eafbd42d8d00e9"


async def test_a_link_that_leads_elsewhere_makes_another_call_of_it(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        place = await session(core)
        link = Path(place.project_path, "notes")
        call = ToolCall(tool_use_id="u1", name="Write", input={"file_path": "notes"})
        link.symlink_to("/etc/motd")
        before = AskedCall.now(call, place)
        assert before.place == f"{place.project_path}, leading to /etc/motd"
        assert before.one_line == "Write notes (leading to /etc/motd)"
        link.unlink()
        link.symlink_to("/etc/passwd")
        after = AskedCall.now(call, place)
        assert before.digest != after.digest
        assert before.repeat_digest != after.repeat_digest
