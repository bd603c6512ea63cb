"""What is asked of a node about a resource that another one owns is done there, with the types and errors of here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from supervisor.cluster.link.acts import Acts
from supervisor.cluster.link.errors import FolderAway, NodeUnreachable, RefusedThere, WorksThere
from supervisor.cluster.resources import Resources
from supervisor.config import ClusterConfig, Config, ProjectConfig
from supervisor.operations.owner.owners import Links, Owners
from supervisor.operations.owner.sessions import SessionsAtOwner
from supervisor.operations.owner.undo import UndoAtOwner
from supervisor.operations.session_limits import SessionLimits
from supervisor.people.projects import Projects
from supervisor.people.rights import Rights
from supervisor.protocol.errors import XswarmError
from supervisor.protocol.messages import ProjectName, SessionId, UserId
from supervisor.protocol.status import EndReason
from supervisor.undo.recorder import CHECKPOINTS, OF_ANOTHER, Recorder
from supervisor.undo.undo import UndoDirection
from tests.fakes import ScriptedConnector
from tests.supervisor.cluster.nodes import FakeNodes, node
from tests.supervisor.cluster.test_resources import MemoryResources
from tests.supervisor.harness import OPERATOR, Core
from tests.supervisor.helpers import ask, connect

S1 = SessionId("s1")
B = 7
"""The epoch of the other node."""


class Through(Links):
    """Asks another core in this process, by what would go over the wire.

    Attributes:
        asked: the names of acts that were asked for.
    """

    def __init__(self, there: Core) -> None:
        self.there = there
        self.down = False
        self.asked: list[str] = []
        self._acts = Acts()

    @property
    def acts(self) -> Acts:
        return self._acts

    def linked(self) -> list[str]:
        return [] if self.down else ["b"]

    async def call(self, node: str, name: str, **given: Any) -> Any:
        if self.down:
            raise NodeUnreachable(node)
        self.asked.append(name)
        theirs = self.there.links.acts
        try:
            answer = await theirs.carry_out(name, self._acts.pack(name, given))
        except XswarmError as error:
            raise RefusedThere(error.code, str(error), error.remedy, error.retry_after) from None
        return self._acts.unpack(name, answer)


def owners(there: Core, links: Through) -> Owners:
    """Return the owners as another node than `there` sees them."""
    resources = MemoryResources()
    resources.rows["project/site"] = B
    return Owners(Resources(resources), resources, FakeNodes(1, node(1, "a"), node(B, "b")), links, there.projects)


def sessions(there: Core, links: Through, found: Owners | None = None) -> SessionsAtOwner:
    """Return the session operations of the other node."""
    return SessionsAtOwner(
        found or owners(there, links),
        store=there.store.sessions,
        queries=there.operations.queries,
        projects=there.projects,
        pool=there.sessions,
        turns=there.turns,
        limits=SessionLimits(there.sessions, max_sessions=10, max_per_user=0),
    )


async def test_the_owner_is_the_node_that_owns_the_resource_of_the_folder(tmp_path: Path) -> None:
    async with Core(tmp_path) as there:
        found = owners(there, Through(there))
        assert await found.elsewhere("s1", "site") == "b"
        assert await found.elsewhere("s1", "vault") is None
        assert await found.elsewhere("s1", "no project") is None


async def test_a_session_is_connected_interrupted_and_ended_where_its_process_is(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as there:
        links, caller = Through(there), there.directory.caller(OPERATOR)
        here = sessions(there, links)
        connected = await here.connect(caller, S1, str(there.site), "alice")
        assert (connected.session_id, connected.resumed, connected.status) == ("s1", False, "connected")
        assert there.sessions.live(S1) is not None
        assert (await here.interrupt(caller, S1)).message_id is None
        assert (await here.disconnect(caller, S1)).reason == EndReason.USER
        with pytest.raises(RefusedThere) as refused:
            await here.disconnect(caller, S1)
        assert refused.value.code == "session_not_active"
        assert links.asked == ["sessions.connect", "sessions.interrupt", *["sessions.disconnect"] * 2]
        links.down = True
        with pytest.raises(NodeUnreachable, match="Node b cannot be reached"):
            await here.interrupt(caller, S1)


async def test_what_a_turn_changed_is_shown_and_taken_back_where_the_folder_is(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as there:
        links = Through(there)
        here = UndoAtOwner(
            owners(there, links),
            there.store.changes,
            there.recorder,
            Rights(there.directory, there.projects),
            there.projects,
        )
        await connect(there)
        turn = await here.find(S1, (await ask(there, "write a.txt new")).turn.message_id)
        found = await here.difference(turn)
        assert found == await there.undo.difference(turn)
        assert "+new" in found.diff
        assert await here.patch(turn, limit=10_000) == await there.undo.patch(turn, limit=10_000)
        assert await here.content(turn, "a.txt", limit=100) == b"new\n"
        done = await here.take_back(turn, "alice")
        assert (done.direction, done.paths, done.dry_run) == (UndoDirection.BACK, ("a.txt",), False)
        assert not (there.site / "a.txt").exists()
        with pytest.raises(RefusedThere) as refused:
            await here.take_back(turn, "alice", direction=UndoDirection.BACK)
        assert refused.value.code == "undo_refused"
        assert links.asked == [*("undo.difference", "undo.patch", "undo.content"), *["undo.take_back"] * 2]


async def test_where_nobody_has_the_folder_a_difference_is_refused_or_said_to_be_lost_and_nothing_is_noted(
    tmp_path: Path,
) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as there:
        await connect(there)
        message = (await ask(there, "write a.txt new")).turn.message_id
        turn = await there.undo.find(S1, message)
        tables = {"site": ProjectConfig(path=str(there.site), nodes=("b",))}
        for name, claimed in (("a", False), ("b", True)):
            resources = MemoryResources()
            projects = Projects(tables, node=(name,))
            recorder = Recorder(there.store.changes, there.store.turns, tmp_path / f"state of {name}", has_others=True)
            here = UndoAtOwner(
                Owners(Resources(resources), resources, FakeNodes(1, node(1, name)), Through(there), projects),
                there.store.changes,
                recorder,
                Rights(there.directory, there.projects),
                there.projects,
            )
            if claimed:
                assert (await here.difference(turn)).why == OF_ANOTHER
            else:
                with pytest.raises(FolderAway, match="The node with the folder of site is not there"):
                    await here.difference(turn)
                assert not (tmp_path / "state of a").exists()
        assert "+new" in (await there.undo.difference(await there.undo.find(S1, message))).diff


async def test_an_act_in_a_folder_that_nobody_works_in_goes_to_a_node_that_has_it(tmp_path: Path) -> None:
    async with Core(tmp_path) as there:
        projects = Projects({"site": ProjectConfig(path=str(there.site), nodes=("gpu",))}, node=("a",))
        nodes = FakeNodes(1, node(1, "a"), node(2, "b"), replace(node(3, "c"), labels=("gpu",)))
        resources = MemoryResources()
        found = Owners(Resources(resources), resources, nodes, Through(there), projects, name="a")
        assert await found.enter("s1", "site") == "c"
        nodes.nodes.pop()
        with pytest.raises(FolderAway):
            await found.enter("s1", "site")
        with pytest.raises(FolderAway):
            async with found.working("s1", "site"):
                pass
        alice = there.directory.user(UserId("alice"))
        there.site.rmdir()
        (project, path) = projects.at(replace(alice, projects=(ProjectName("site"),)), str(there.site))
        assert (project.name, path) == ("site", str(there.site))


async def test_a_node_that_says_that_it_has_a_folder_is_asked_before_one_that_only_may(tmp_path: Path) -> None:
    async with Core(tmp_path) as there:
        projects = Projects({"site": ProjectConfig(path=str(there.site))})
        there.site.rmdir()
        standby = replace(node(2, "standby"), projects=())
        visitor = replace(node(3, "b~71"), projects=())
        older = node(4, "does not say")
        has = replace(node(5, "has"), projects=("site",))
        nodes, resources = FakeNodes(1, node(1, "a"), standby, visitor, older, has), MemoryResources()
        found = Owners(Resources(resources), resources, nodes, Through(there), projects, name="a")
        assert await found.enter("s1", "site") == "has"
        nodes.nodes.remove(has)
        assert await found.enter("s1", "site") == "does not say"
        nodes.nodes.remove(older)
        with pytest.raises(FolderAway):
            await found.enter("s1", "site")
        there.site.mkdir()


async def test_an_act_keeps_its_resource_however_long_it_takes(tmp_path: Path) -> None:
    async with Core(tmp_path) as there:
        store = MemoryResources()
        resources = Resources(store, idle_seconds=0.0)
        found = Owners(resources, store, FakeNodes(1, node(1, "a"), node(2, "b")), Through(there), there.projects)
        async with found.working("s1", "site"):
            await resources.release_idle(lambda _: False, lambda _: None)
            assert store.rows == {"project/site": 1}
        await resources.release_idle(lambda _: False, lambda _: None)
        assert store.rows == {}
        store.rows["project/site"] = 2
        with pytest.raises(WorksThere, match="Node b works in this folder now"):
            async with found.working("s1", "site"):
                pass


async def test_whoever_ends_a_session_owns_its_resource_so_that_no_other_node_begins_there(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as there:
        await connect(there)
        store = MemoryResources()
        resources = Resources(store)
        found = Owners(resources, store, FakeNodes(1, node(1, "a")), Through(there), there.projects)
        here = sessions(there, Through(there), found)
        await here.disconnect(there.directory.caller(OPERATOR), S1)
        assert store.rows == {"project/site": 1}


async def test_a_node_that_is_alone_asks_nobody(tmp_path: Path) -> None:
    async with Core(tmp_path) as alone:
        links = Through(alone)
        none = MemoryResources()
        found = Owners(Resources(None), none, FakeNodes(1, node(1)), links, alone.projects)
        assert await found.elsewhere("s1", "site") is None


async def test_the_states_of_a_shared_folder_are_kept_where_all_nodes_find_them(tmp_path: Path) -> None:
    async with Core(tmp_path) as there:
        found = owners(there, Through(there))
        projects = {
            "site": ProjectConfig(path=str(there.site), everywhere=True),
            "vault": ProjectConfig(path=str(there.vault)),
        }
        shared = found.shared_states(Config(cluster=ClusterConfig(shared_dir="/srv/shared"), projects=projects))
        assert shared == {str(there.site): Path("/srv/shared")}
        assert found.shared_states(Config(projects=projects)) == {}
        recorder = Recorder(there.store.changes, there.store.turns, tmp_path, shared=shared)
        assert recorder._git_dir(str(there.site)).parent == Path("/srv/shared") / CHECKPOINTS
        assert recorder._git_dir(str(there.vault)).parent == tmp_path / CHECKPOINTS


async def test_a_node_prunes_only_the_states_of_folders_that_it_works_in(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as there:
        found = owners(there, Through(there))
        assert not found.is_ours(str(there.site))
        assert found.is_ours(str(tmp_path / "a folder of no project"))
        await connect(there)
        await ask(there, "write a.txt new")
        await ask(there, "write a.txt newer")
        asked = list[str]()

        def is_ours(folder: str) -> bool:
            asked.append(folder)
            return len(asked) > 1

        recorder = Recorder(there.store.changes, there.store.turns, tmp_path, is_ours=is_ours)
        await recorder.shadow(str(there.site)).record("a state that nobody needs")
        assert await recorder.prune() == 0
        assert await recorder.prune() > 0
        assert set(asked) == {str(there.site)}
