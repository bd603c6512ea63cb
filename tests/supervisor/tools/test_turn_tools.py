"""The tools of a turn: by the role of its user, with people as references, and with failures that tell no more."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from supervisor.delivery.hub import Hub
from supervisor.people.identity import Directory
from supervisor.protocol.errors import StorageError
from supervisor.protocol.events import AnyEvent, ChatNotice
from supervisor.protocol.messages import UserId
from supervisor.protocol.status import Role
from supervisor.protocol.text.refusals import for_sender
from supervisor.protocol.tools import ToolCall, ToolOutput
from supervisor.store import SqliteStore, open_store
from supervisor.store.ports.keys import ReferenceStore
from supervisor.store.records.accounts import User
from supervisor.store.records.tool_call import Reference
from supervisor.tools.servers.servers import ToolServers, build
from supervisor.tools.topics import Topics
from supervisor.tools.turn_tools import MADE, NOT_MADE, SPARE_SECONDS, Toolbox
from tests.slowness import scaled
from tests.supervisor.harness import JWT_SECRET, OPERATOR, SERVICE, seal
from tests.tool_servers.programs import NAME, connected, noted, started, table
from tests.tool_servers.server_program import ANN, BOB
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALICE, OLGA = UserId("alice"), UserId("olga")
ANN_REFERENCE, BOB_REFERENCE = f"entity-{ANN[:8]}", f"entity-{BOB[:8]}"
FAILED = "Tool execution failed: "


def directory(**roles: Role) -> Directory:
    made = Directory(operator_token=OPERATOR, service_token=SERVICE, jwt_secret=JWT_SECRET)
    set_roles(made, **roles)
    return made


def set_roles(made: Directory, **roles: Role) -> None:
    made.replace([User(id=UserId(name), name=name, role=role) for name, role in roles.items()], [])


def call_of(tool: str, **arguments: Any) -> ToolCall:
    return ToolCall(tool_use_id="toolu_1", name=f"{NAME}__{tool}", input=arguments)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tools") / "journal"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def servers(journal: Path) -> AsyncIterator[ToolServers]:
    plain = table(journal, person_fields=(), name_fields=())
    async with connected({NAME: table(journal), "plain": plain}) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await open_store(tmp_path / "xswarm.db", seal=seal)
    yield opened
    await opened.close()


@pytest.fixture
def people() -> Directory:
    return directory(alice=Role.ADMIN, olga=Role.OPERATOR)


@pytest.fixture
def toolbox(servers: ToolServers, store: SqliteStore, people: Directory) -> Toolbox:
    return Toolbox(servers, people, store.references)


async def test_a_role_gets_the_tools_of_its_servers_now(toolbox: Toolbox, people: Directory, journal: Path) -> None:
    tools = toolbox.of_turn(ALICE, "chat-1")
    specs = {spec.name: spec for spec in tools.listed()}
    assert specs[f"{NAME}__people"].reads
    assert not specs[f"{NAME}__swap"].reads
    assert "references such as entity-" in specs[f"{NAME}__people"].description
    assert "references" not in specs["plain__people"].description
    assert list(toolbox.of_turn(OLGA, "chat-1").listed()) == []
    set_roles(people, alice=Role.OPERATOR)
    assert list(tools.listed()) == []
    before = noted(journal)
    refused = await tools.call(call_of("people"))
    assert refused == ToolOutput(text=f"{FAILED}UnknownTool (there is no such tool)", failed=True)
    set_roles(people)
    assert (await tools.call(call_of("people"))).failed
    assert noted(journal) == before


async def test_the_model_gets_references_and_the_person_names(toolbox: Toolbox) -> None:
    output = await toolbox.of_turn(ALICE, "chat-1").call(call_of("people"))
    told = json.loads(output.text)
    assert told == {
        "people": [
            {"person_id": ANN_REFERENCE, "name": ANN_REFERENCE, "hours": 40},
            {"person_id": BOB_REFERENCE, "name": BOB_REFERENCE, "hours": 40},
        ],
        "note": f"{ANN_REFERENCE} and {BOB_REFERENCE} work today.",
        "by_id": {ANN_REFERENCE: 1},
    }
    assert output.structured == {
        "people": [
            {"person_id": "Ann Lee", "name": "Ann Lee", "hours": 40},
            {"person_id": "Bob Stone", "name": "Bob Stone", "hours": 40},
        ],
        "note": "Ann Lee and Bob Stone work today.",
        "by_id": {"Ann Lee": 1},
    }
    assert json.loads(output.shown) == output.structured
    assert output.title == "People of the clinic"
    assert not output.failed


async def test_a_server_without_fields_of_people_is_passed_through(toolbox: Toolbox, journal: Path) -> None:
    tools = toolbox.of_turn(ALICE, "chat-1")
    output = await tools.call(ToolCall(tool_use_id="t", name="plain__people", input={}))
    assert "Ann Lee" in output.text
    written = {"from_person": "entity-12345678", "to_person": "x"}
    call = ToolCall(tool_use_id="t", name="plain__swap", input=written)
    assert await tools.shown(call) == call
    await tools.call(call)
    assert noted(journal)[-1] == "swap entity-12345678 x "


async def test_where_no_server_tells_of_people_none_are_read(
    store: SqliteStore, people: Directory, tmp_path: Path
) -> None:
    plain = table(tmp_path / "journal", person_fields=(), name_fields=())
    servers = await build({NAME: plain}, lambda name: None, tmp_path)
    await store.close()
    await Toolbox(servers, people, store.references).of_turn(ALICE, "chat-1").learn()


async def test_references_go_to_the_server_as_ids_also_after_a_restart(
    toolbox: Toolbox, journal: Path, store: SqliteStore, people: Directory
) -> None:
    await toolbox.of_turn(ALICE, "chat-1").call(call_of("people"))
    again = Toolbox(toolbox.servers, people, store.references).of_turn(ALICE, "chat-1")
    call = call_of("swap", from_person=ANN_REFERENCE, to_person=BOB_REFERENCE, reason=f"for {ANN_REFERENCE}")
    shown = await again.shown(call)
    assert isinstance(shown, ToolCall)
    assert shown.input == {"from_person": "Ann Lee", "to_person": "Bob Stone", "reason": "for Ann Lee"}
    output = await again.call(call)
    assert noted(journal)[-1] == f"swap {ANN} {BOB} for {ANN}"
    assert json.loads(output.text)["swapped"] == [{"person_id": ANN_REFERENCE}, {"person_id": BOB_REFERENCE}]
    assert again.hidden("Bob Stone said no") == f"{BOB_REFERENCE} said no"


async def test_a_question_has_the_preview_of_the_server_with_names(
    store: SqliteStore, people: Directory, journal: Path
) -> None:
    previews = table(journal, read_only=("people", "foresee"), previews={"swap": "foresee", "work_on": "hang"})
    async with connected({NAME: previews}) as servers:
        tools = Toolbox(servers, people, store.references).of_turn(ALICE, "chat-9")
        await tools.call(call_of("people"))
        call = call_of("swap", from_person=ANN_REFERENCE, to_person=BOB_REFERENCE, reason="illness")
        shown = await tools.shown(call)
        assert isinstance(shown, ToolCall)
        assert shown.preview == "Ann Lee works for Bob Stone on Monday"
        assert noted(journal)[-1] == f"foresee {ANN} {BOB}", "with those arguments that it takes"
        reading = await tools.shown(call_of("people"))
        assert isinstance(reading, ToolCall)
        assert reading.preview == ""


async def test_a_reference_of_another_conversation_is_unknown_and_named(toolbox: Toolbox, journal: Path) -> None:
    await toolbox.of_turn(ALICE, "chat-1").call(call_of("people"))
    tools = toolbox.of_turn(ALICE, "chat-2")
    call = call_of("swap", from_person=ANN_REFERENCE, to_person="x")
    why = f"{FAILED}UnknownReference ({ANN_REFERENCE} stands for nobody in this conversation)"
    assert await tools.shown(call) == ToolOutput(text=why, failed=True)
    assert await tools.call(call) == ToolOutput(text=why, failed=True)
    assert noted(journal)[-1] == "people"


async def test_an_input_against_the_schema_is_refused_before_anybody_is_asked(toolbox: Toolbox) -> None:
    tools = toolbox.of_turn(ALICE, "chat-1")
    shown = await tools.shown(call_of("swap", from_person="a"))
    assert shown == ToolOutput(text=f"{FAILED}InvalidInput ('to_person' is a required property)", failed=True)


@pytest.mark.parametrize("tool", ["fail", "crash"])
async def test_a_failure_tells_its_kind_and_the_log_the_rest(
    toolbox: Toolbox, tool: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    tools = toolbox.of_turn(ALICE, "chat-1")
    await tools.call(call_of("people"))
    output = await tools.call(call_of(tool))
    assert output.failed
    assert output.text == f"{FAILED}ToolError"
    reference = output.shown.removeprefix(f"{FAILED}ToolError (reference ").removesuffix(")")
    (line,) = [record.getMessage() for record in caplog.records if reference in record.getMessage()]
    if tool == "fail":
        assert f"{ANN_REFERENCE} is on leave" in line
    assert "Ann Lee" not in caplog.text


class AwayReferences(ReferenceStore):
    """Knows nobody, and refuses to read or write while it is told to, or says nothing.

    Args:
        error: how it refuses.

    Attributes:
        added: the references that it was given to keep.
    """

    def __init__(self, error: StorageError | None = None) -> None:
        self.error = error or StorageError("PostgreSQL does not answer")
        self.refuses_to_read = self.refuses_to_write = False
        self.reading, self.writing = asyncio.Event(), asyncio.Event()
        self.reading.set()
        self.writing.set()
        self.added: list[str] = []

    async def known(self, scope: str, *, after: int = 0) -> list[Reference]:
        await self.reading.wait()
        if self.refuses_to_read:
            raise self.error
        return []

    async def add(self, scope: str, references: Sequence[Reference]) -> None:
        await self.writing.wait()
        if self.refuses_to_write:
            raise self.error
        self.added += [one.reference for one in references]

    async def forget(self, scope: str) -> None:
        raise AssertionError("nobody asks for it here")


def no_time_to_wait(monkeypatch: pytest.MonkeyPatch, journal: Path) -> None:
    """Let a call of the server wait for the database not at all."""
    margin = SPARE_SECONDS - table(journal).timeout_seconds
    monkeypatch.setattr("supervisor.tools.turn_tools.MARGIN_SECONDS", margin)


async def test_a_database_that_says_nothing_holds_up_no_call(
    servers: ToolServers, people: Directory, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    references = AwayReferences()
    tools = Toolbox(servers, people, references).of_turn(ALICE, "chat-1")
    before = noted(journal)
    references.reading.clear()
    references.writing.clear()
    async with asyncio.timeout(scaled(15)):
        with monkeypatch.context() as patch:
            patch.setattr("supervisor.tools.turn_tools.MARGIN_SECONDS", SPARE_SECONDS + 0.1)
            assert (await tools.call(call_of("people"))).text == f"{FAILED}StorageError ({NOT_MADE})"
        assert noted(journal) == before
        references.reading.set()
        assert isinstance(await tools.shown(call_of("people")), ToolCall)
        no_time_to_wait(monkeypatch, journal)
        made = await asyncio.gather(*(tools.call(call_of("people")) for _ in range(2)))
    assert [output.text for output in made] == [f"{FAILED}StorageError ({MADE})"] * 2
    assert noted(journal) == [*before, "people", "people"]


async def test_people_who_could_not_be_kept_are_kept_with_the_next_call(
    servers: ToolServers, people: Directory, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    references = AwayReferences()
    tools = Toolbox(servers, people, references).of_turn(ALICE, "chat-1")
    references.refuses_to_write = True
    with monkeypatch.context() as patch:
        no_time_to_wait(patch, journal)
        assert (await tools.call(call_of("people"))).failed
    references.refuses_to_write = False
    for _ in range(2):
        assert ANN_REFERENCE in (await tools.call(call_of("people"))).text
    assert references.added == [ANN_REFERENCE, BOB_REFERENCE]


async def test_an_outage_of_the_database_says_whether_the_call_was_made(
    servers: ToolServers, people: Directory, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_time_to_wait(monkeypatch, journal)
    references = AwayReferences()
    tools = Toolbox(servers, people, references).of_turn(ALICE, "chat-1")
    before = noted(journal)
    references.refuses_to_read = references.refuses_to_write = True
    assert (await tools.call(call_of("people"))).text == f"{FAILED}StorageError ({NOT_MADE})"
    assert noted(journal) == before
    references.refuses_to_read = False
    assert (await tools.call(call_of("people"))).text == f"{FAILED}StorageError ({MADE})"
    assert noted(journal) == [*before, "people"]


async def test_a_full_disk_of_the_database_is_told_with_its_remedy_and_at_once(
    servers: ToolServers, people: Directory
) -> None:
    references = AwayReferences(StorageError("the disk is full", for_sender("free disk space"), lasts=True))
    tools = Toolbox(servers, people, references).of_turn(ALICE, "chat-1")
    references.refuses_to_read = references.refuses_to_write = True
    full = "the database refused: the disk is full; free disk space"
    refused = f"{FAILED}StorageError (the call was not made, because {full})"
    assert (await tools.call(call_of("people"))).text == refused
    shown = await tools.shown(call_of("people"))
    assert isinstance(shown, ToolOutput)
    assert shown.text == refused
    references.refuses_to_read = False
    unread = f"the call was made, but its answer cannot be read, because {full}"
    assert (await tools.call(call_of("people"))).text == f"{FAILED}StorageError ({unread})"


async def test_a_call_waits_while_the_database_does_not_answer(
    servers: ToolServers, people: Directory, caplog: pytest.LogCaptureFixture
) -> None:
    references = AwayReferences()
    tools = Toolbox(servers, people, references).of_turn(ALICE, "chat-1")
    references.refuses_to_read = True
    shown = asyncio.create_task(tools.shown(call_of("people")))
    await until(lambda: "waits for the database" in caplog.text, "it waits")
    references.refuses_to_read = False
    assert isinstance(await shown, ToolCall)


async def test_a_server_that_is_down_offers_nothing_and_is_named(
    journal: Path, store: SqliteStore, people: Directory
) -> None:
    tables = {NAME: table(journal), "broken": table(journal, command="/no/such/program")}
    async with started(tables) as servers:
        tools = Toolbox(servers, people, store.references).of_turn(ALICE, "chat-1")
        await tools.settle()  # they have just been started
        assert {spec.name.partition("__")[0] for spec in tools.listed()} == {NAME}
        assert tools.missing() == ["broken"]
        assert not (await tools.call(call_of("people"))).failed


async def test_a_text_of_10_mb_is_cut_and_says_so(toolbox: Toolbox) -> None:
    output = await toolbox.of_turn(ALICE, "chat-1").call(call_of("large", size=10_000_000))
    assert len(output.text) < 66_000
    assert "of 10,000,000" in output.text
    assert output.structured is None


async def test_many_rows_reach_the_artifact_whole_and_the_model_in_part(toolbox: Toolbox) -> None:
    output = await toolbox.of_turn(ALICE, "chat-1").call(call_of("rows", count=5_000))
    assert output.structured is not None
    assert len(output.structured["rows"]) == 5_000
    assert len(output.text) < 20_000
    assert "of 5000 rows]" in output.text


async def test_escape_codes_are_removed_and_markup_stays_text(toolbox: Toolbox) -> None:
    output = await toolbox.of_turn(ALICE, "chat-1").call(call_of("markup"))
    assert output.text == "<script>alert(1)</script>red"


async def test_a_server_learns_who_acts_and_other_chats_of_its_topic_are_told(
    servers: ToolServers, people: Directory, store: SqliteStore
) -> None:
    hub = Hub()
    told: list[AnyEvent] = []
    for chat in ("chat-1", "chat-2", "chat-3"):
        hub.subscribe(f"chat:{chat}", told.append)
    toolbox = Toolbox(servers, people, store.references, Topics(hub))
    first, second, third = (toolbox.of_turn(ALICE, f"chat-{number}") for number in (1, 2, 3))
    made = await first.call(call_of("work_on", topic="schedule:a"))
    assert made.structured == {"user": {"id": "alice", "name": "alice"}, "chat": "chat-1"}
    assert (made.kind, made.title) == ("schedule", "A week")
    await third.call(call_of("work_on", topic="schedule:b"))
    await second.call(call_of("work_on", topic="schedule:a"))
    assert told == [ChatNotice(session_id="chat-1", message="alice works on schedule:a.")]
