"""Lanes run on the node that owns their resource, and on no other."""

from __future__ import annotations

from pathlib import Path

from supervisor.cluster.resources import Resources
from supervisor.config import ProjectConfig
from supervisor.people.projects import SCRATCH, Projects
from supervisor.protocol.messages import ProjectName
from supervisor.turns.elsewhere.work import Work
from supervisor.turns.lanes.resources import LaneResources
from tests.fakes import ScriptedConnector
from tests.supervisor.cluster.test_resources import MemoryResources
from tests.supervisor.harness import Core
from tests.supervisor.helpers import connect, send, state
from tests.waiting import until

SITE = ProjectName("site")


def projects_of(tmp_path: Path, **nodes: tuple[str, ...]) -> Projects:
    """Return projects in one another, `site` and `site/shop`, and one beside them."""
    for folder in ("site/shop", "barn"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    tables = {
        name: ProjectConfig(path=str(tmp_path / path), nodes=nodes.get(name, ()))
        for name, path in (("shop", "site/shop"), ("site", "site"), ("barn", "barn"), ("gone", "gone"))
    }
    return Projects(tables, node=("a", "gpu"))


async def test_projects_in_one_another_are_one_resource_and_other_lanes_one_each(tmp_path: Path) -> None:
    async with Core(tmp_path) as core:
        resources = LaneResources(Resources(MemoryResources()), projects_of(tmp_path), core.sessions)
        assert resources.resource_of("s1", "shop") == resources.resource_of("s2", "site") == "project/site"
        assert resources.resource_of("s1", "barn") == "project/barn"
        for lane, project in (("s1", SCRATCH), ("chat1", ""), ("assistant/alice/sms", "site"), ("s1", "no longer")):
            assert resources.resource_of(lane, project) == lane


async def test_a_node_enters_what_it_has_the_folder_of_and_room_for(tmp_path: Path) -> None:
    async with Core(tmp_path) as core:
        core.sessions.max_processes = 1
        store = MemoryResources()
        projects = projects_of(tmp_path, barn=("gpu",), shop=("b",))
        resources = LaneResources(Resources(store, idle_seconds=0.0), projects, core.sessions)
        barn, shop, gone = ProjectName("barn"), ProjectName("shop"), ProjectName("gone")
        assert not await resources.enter("s0", shop)
        assert not await resources.enter("s0", gone)
        assert await resources.enter("s1", barn)
        assert await resources.enter("s2", barn)
        assert not await resources.enter("s3", SITE)
        assert await resources.enter("chat", ProjectName(""))
        await resources.look()
        assert sorted(store.rows) == ["chat", "project/barn"]
        assert resources.leave("s1", barn) == {"s3": SITE}
        assert resources.leave("s2", barn) == {}
        assert await resources.enter("s3", SITE)
        await resources.look()
        assert sorted(store.rows) == ["chat", "project/site"]


async def test_a_turn_waits_for_the_node_that_owns_its_resource(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core, "s1")
        store = MemoryResources()
        store.rows["project/site"] = 2
        resources = LaneResources(Resources(store, idle_seconds=0.0), core.projects, core.sessions)
        core.turns._resources = resources
        work = Work(core.turns, resources)
        taken = await send(core, "hello", "s1")
        await until(lambda: not core.turns._lanes, "this node leaves it to the other")
        assert (await state(core, taken)).value == "pending"
        await work.look(["site s1"])
        await until(lambda: not core.turns._lanes, "still")
        del store.rows["project/site"]
        await work.look(None)

        async def is_done() -> bool:
            return (await state(core, taken)).final

        await until(is_done, "it ran")
        assert store.rows == {"project/site": 1}


async def test_a_resource_whose_session_starts_while_another_is_released_is_kept(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        store = MemoryResources()
        resources = LaneResources(Resources(store, idle_seconds=0.0), core.projects, core.sessions)
        assert await resources.claim("chat", ProjectName(""))
        assert await resources.claim("s1", SITE)
        store.meanwhile = lambda: connect(core, "s1")
        await resources.look()
        assert sorted(store.rows) == ["project/site"]
