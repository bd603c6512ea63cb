"""`make run-cluster`: PostgreSQL and three nodes on this machine, to try out what happens when one of them dies.

A line on stdin says what to do; `help` lists what can be said. Answers come as the texts that a person would get.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.cluster.cluster import PHONES, Cluster, ClusterNode
from tests.postgres_server import postgres_server

NAMES = ("a", "b", "c")

NUMBERS = {phone: who for who, phone in PHONES.items()}

HELP = """\
text WORDS    text the first node that is ready, as alice would ("text claude: hello")
list          the nodes that live, as `xswarm node list` shows them
doctor NODE   `xswarm doctor` beside a node
kill NODE     pull its plug: kill -9
pause NODE    stop it in the middle of what it does; `go NODE` lets it go on
drain NODE    let it end its turns and stop
start NODE    start it again
quit          end everything (Ctrl-D does too)
"""


class Console:
    """Carries out lines of a person at the terminal."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._told = 0
        self._states: dict[str, str] = {}
        self._commands: dict[str, Callable[[str], Awaitable[None]]] = {
            "text": self._text,
            "list": lambda _: self._xswarm("node", "list"),
            "doctor": lambda name: self._xswarm("doctor", at=name),
            "drain": lambda name: self._xswarm("node", "drain", name),
            "kill": lambda name: self._cluster[name].kill(),
            "pause": self._pause,
            "go": self._go,
            "start": self._start,
        }

    async def run(self) -> None:
        """Read lines until the last; write the texts that people get meanwhile, and what becomes of the nodes."""
        telling = asyncio.create_task(self._tell(), name="tell")
        try:
            while (line := (await asyncio.to_thread(sys.stdin.readline)).strip()) != "quit":
                if not line:
                    if not sys.stdin.isatty():
                        return
                    continue
                word, _, rest = line.partition(" ")
                command = self._commands.get(word)
                if command is None:
                    say(HELP)
                    continue
                try:
                    await command(rest.strip())
                except KeyError:
                    say(f"there is no node {rest.strip()}: {', '.join(NAMES)}")
        finally:
            telling.cancel()

    def _ready(self) -> ClusterNode | None:
        return next((node for node in self._cluster.nodes.values() if node.is_ready), None)

    async def _text(self, body: str) -> None:
        while (node := self._ready()) is None:
            await asyncio.sleep(0.1)  # another one takes over
        status, _ = await self._cluster.text(node.name, body)
        say(f"node {node.name} answered the webhook with {status or 'nothing'}")

    async def _xswarm(self, *arguments: str, at: str = "") -> None:
        node = self._cluster[at] if at else self._ready() or self._cluster[NAMES[0]]
        ended = await node.xswarm(*arguments)
        say(ended.out + ended.err)

    async def _pause(self, name: str) -> None:
        self._cluster[name].pause()

    async def _go(self, name: str) -> None:
        self._cluster[name].go_on()

    async def _start(self, name: str) -> None:
        if not self._cluster[name].daemon.running:
            await self._cluster[name].kill()
            self._cluster[name].begin()

    async def _tell(self) -> None:
        while True:
            texts = self._cluster.twilio.messages
            for text in texts[self._told :]:
                if text.outgoing:
                    say(f"text to {NUMBERS.get(text.to, text.to)}:\n{text.body}")
            self._told = len(texts)
            for name, node in self._cluster.nodes.items():
                if self._states.get(name) != node.state:
                    self._states[name] = node.state
                    say(f"node {name} {node.state}")
            await asyncio.sleep(0.2)


def say(text: str) -> None:
    """Write to the person."""
    sys.stdout.write(text.rstrip("\n") + "\n\n")
    sys.stdout.flush()


async def main(connector: str) -> None:
    """Start the nodes, the first one before the others, and serve the terminal."""
    with postgres_server() as server, tempfile.TemporaryDirectory(prefix="xswarm-cluster-") as folder:
        async with Cluster(Path(folder), server, NAMES, connector=connector, lease=4.0) as cluster:
            await cluster[NAMES[0]].start()
            await cluster.add_people(NAMES[0])
            for name in NAMES[1:]:
                cluster[name].begin()
            for node in cluster.nodes.values():
                say(f"node {node.name}: {node.http}, {node.daemon.config}")
            say(f"PostgreSQL: {cluster.url}\n{HELP}\nready")
            await Console(cluster).run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connector", default="claude_code", help="what answers; `echo` needs no Claude Code")
    asyncio.run(main(parser.parse_args().connector))
