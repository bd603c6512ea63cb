"""A `ChannelHost` for tests that keeps everything in memory."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import Sequence

from supervisor.protocol.errors import ConfigError
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import Address, Delivery, Inbound, MessageId, Outbound, OutboxId, Receipt
from supervisor.protocol.ports.channel import ChannelHost
from supervisor.runtime.peers import ports
from supervisor.runtime.peers.agents import is_agents


class RecordingHost(ChannelHost):
    """Keeps what a channel hands in.

    Attributes:
        accepted: the messages, each once by channel, account and key.
        calls: how many times `accept` was called, repetitions too.
        traces: sender and reason of the messages that were dropped.
        kept: those of them that can be let in.
        deliveries: what was reported of replies, in order.
        marks: the numbers that the channel keeps.
        secrets: by name; one that is missing is a `ConfigError`.
        threads: by the names that `find_thread` knows.
        texts: of the replies, by the names that `sent_replies` knows.
        subjects: of the mails that those replies answered, by the same ids.
        strangers: addresses that no user has; all others have one.
        recent: what `recent_replies` returns, to whomever they went.
        unknown_ids: provider ids of which `delivered` knows no reply.
        leading: what `leads` returns.
        reached: what `tried` was told, in order.
        fail_with: raised by `accept`, `delivered` and `set_mark` in place of keeping anything.
    """

    def __init__(self, *, public_url: str = "", secrets: dict[str, str] | None = None) -> None:
        self.accepted: list[Inbound] = []
        self.calls = 0
        self.traces: list[tuple[str, str]] = []
        self.kept: list[Inbound] = []
        self.deliveries: list[Delivery] = []
        self.marks: dict[str, int] = {}
        self.secrets = dict(secrets or {})
        self.threads: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self.subjects: dict[str, str] = {}
        self.strangers: set[Address] = set()
        self.recent: list[Outbound] = []
        self.unknown_ids: set[str] = set()
        self.leading = True
        self.reached: list[bool] = []
        self.fail_with: Exception | None = None
        self._public_url = public_url
        self._keys: dict[tuple[str, str, str], MessageId] = {}

    @property
    def public_url(self) -> str:
        return self._public_url

    def secret(self, name: str) -> str:
        if name not in self.secrets:
            raise ConfigError(name, "is not set", f"set {name} or {name}_FILE in the environment")
        return self.secrets[name]

    def generated_secret(self, name: str) -> bytes:
        return hashlib.sha256(f"generated for tests: {name}".encode()).digest()

    def knows(self, sender: Address) -> bool:
        return sender not in self.strangers

    async def accept(self, inbound: Inbound) -> Receipt:
        self.calls += 1
        self._fail_where_asked()
        key = (inbound.channel, inbound.account, inbound.dedup_key)
        if key in self._keys:
            return Receipt(message_id=self._keys[key], duplicate=True)
        self._keys[key] = MessageId(uuid7())
        self.accepted.append(inbound)
        return Receipt(message_id=self._keys[key])

    async def about_port(self, port: int) -> str:
        return await asyncio.to_thread(ports.remedy, port)

    async def was_accepted(self, inbound: Inbound) -> bool:
        return (inbound.channel, inbound.account, inbound.dedup_key) in self._keys

    async def dropped(self, sender: str, why: str, message: Inbound | None = None) -> None:
        self._fail_where_asked()
        if message is not None:
            self.kept.append(message)
        self.traces.append((sender, why))

    async def comes_from_agent(self, connection: socket.socket) -> bool:
        return await asyncio.to_thread(is_agents, connection)

    async def delivered(self, delivery: Delivery) -> bool:
        self._fail_where_asked()
        self.deliveries.append(delivery)
        return delivery.provider_id not in self.unknown_ids

    async def find_thread(self, names: Sequence[str]) -> str | None:
        return next((self.threads[each] for each in names if each in self.threads), None)

    async def sent_replies(self, names: Sequence[str]) -> list[Outbound]:
        return [
            Outbound(
                id=OutboxId(each),
                channel="mail",
                account="",
                to=Address(kind="mail", value=""),
                text=self.texts[each],
                meta={"subject": self.subjects.get(each, "")},
            )
            for each in names
            if each in self.texts
        ]

    def leads(self) -> bool:
        return self.leading

    def tried(self, *, reached: bool) -> None:
        self.reached.append(reached)

    async def recent_replies(self, to: Address) -> list[Outbound]:
        return [each for each in self.recent if each.to == to]

    async def get_mark(self, name: str) -> int | None:
        return self.marks.get(name)

    async def set_mark(self, name: str, value: int) -> None:
        self._fail_where_asked()
        self.marks[name] = value

    def _fail_where_asked(self) -> None:
        if self.fail_with is not None:
            raise self.fail_with
