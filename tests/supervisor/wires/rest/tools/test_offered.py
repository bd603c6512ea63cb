"""The tools that a caller may use, over a real port and a real server."""

from __future__ import annotations

from pathlib import Path

from supervisor.people.identity import Caller
from supervisor.protocol.messages import UserId
from supervisor.protocol.status import Role
from supervisor.wires.rest.tools.offered import OfferedRoutes, OfferedTool
from tests.supervisor.tools.test_turn_tools import directory
from tests.supervisor.wires.http.serving import Served
from tests.tool_servers.programs import NAME, started, table


async def test_without_servers_there_are_none(tmp_path: Path) -> None:
    async with Served(tmp_path) as served:
        assert (await served.service.get("/api/tools")).json() == {"servers": []}
        anonymous = await served.client(None)
        assert (await anonymous.get("/api/tools")).status_code == 401


async def test_a_person_sees_the_servers_of_their_role_and_what_to_ask(tmp_path: Path) -> None:
    tables = {
        NAME: table(tmp_path / "journal", examples=("Who works today?",)),
        "wards": table(tmp_path / "journal", command="/no/such/program", roles=(Role.COORDINATOR,)),
    }
    async with started(tables) as servers:
        await servers.settled(60.0)
        routes = OfferedRoutes(servers, directory(alice=Role.ADMIN, bob=Role.COORDINATOR, olga=Role.OPERATOR))

        async def of(user: str | None) -> list[tuple[str, bool]]:
            caller = Caller(name=user or "service", user_id=UserId(user) if user else None)
            return [(server.name, server.works) for server in (await routes.tools(caller)).servers]

        assert await of("alice") == [(NAME, True)]
        assert await of("bob") == await of(None) == [(NAME, True), ("wards", False)]
        assert await of("olga") == []
        (clinic,) = (await routes.tools(Caller(name="alice", user_id=UserId("alice")))).servers
        assert clinic.examples == ("Who works today?", "Where are too few people?")
        people = OfferedTool(
            name="people", title="People of the clinic", description="List the people.", reads=True, category="Staff"
        )
        assert people in clinic.tools
