"""Run inside a network namespace of its own (`python -m tests.cluster.dropping FOLDER statements|answers`).

There the kernel itself drops the packets between a node and PostgreSQL, in one direction: TCP sends them again and
again, and tells nobody. Prints what came of it.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from tests.cluster.cluster import PHONES, Cluster, slow
from tests.cluster.invariants import check
from tests.cluster.looking import runs
from tests.postgres_server import SETTINGS, postgres_server
from tests.slowness import scaled
from tests.waiting import until

DATABASE, NODE = "127.0.0.2", "127.0.0.3"
"""The addresses at both ends of the connections of node a to PostgreSQL. All others use 127.0.0.1."""

WAY = f"ip route replace local {DATABASE} dev lo src {NODE} table local"
DROP = "ip route replace blackhole {address} table local"
PASS = {DATABASE: WAY, NODE: f"ip route replace local {NODE} dev lo table local"}
LISTENING = {**SETTINGS, "listen_addresses": f"127.0.0.1,{DATABASE}"}
CONNECTED = "SELECT 1 FROM pg_stat_activity WHERE client_addr = %s"


def carry_out(command: str) -> None:
    """Run a command of iproute2."""
    subprocess.run(command.split(), check=True)


async def take_over(cluster: Cluster, lost: str) -> dict[str, object]:
    """Drop packets of node a in the middle of a turn; return what was seen."""
    a, address = cluster["a"], DATABASE if lost == "statements" else NODE
    assert await cluster.rows(CONNECTED, NODE), "node a has the address whose packets are dropped"
    assert (await cluster.text("a", slow("it ran", scaled(6.0))))[0] == 200
    await until(lambda: runs(cluster), "its turn runs")
    carry_out(DROP.format(address=address))
    sid = cluster.twilio.book.received(PHONES["ben"], "claude: both", 0).sid
    at_the_cut = asyncio.create_task(cluster.text("a", "", sid=sid))
    await cluster.answer("it ran")
    assert await cluster.text("b", "", sid=sid) == (200, sid)
    await cluster.answer("both", PHONES["ben"])
    refused, _ = await at_the_cut  # while the packets are still dropped
    carry_out(PASS[address])
    code = await a.daemon.ended()
    await a.start()
    states = await check(cluster, "b", accepted={"it ran": PHONES["alice"], "both": PHONES["ben"]})
    return {"refused": refused, "code": code, "states": states}


async def main(folder: Path, lost: str) -> None:
    """Start two nodes, the first of them behind the addresses whose packets are dropped."""
    for command in ("ip link set lo up", WAY):
        carry_out(command)
    with postgres_server(settings=LISTENING) as server:
        async with Cluster(folder, server, lease=6.0, hosts={"a": DATABASE}) as cluster:
            await cluster["a"].start()
            await cluster.add_people("a")
            await cluster["b"].start()
            found = await take_over(cluster, lost)
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
