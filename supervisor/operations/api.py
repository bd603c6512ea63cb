"""The services of the daemon that the wires call."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from supervisor.background.load import LoadReader
from supervisor.cluster.addresses import NodeAddresses
from supervisor.delivery.hub import Hub
from supervisor.delivery.outbox import Outbox
from supervisor.delivery.trouble import ReplyTrouble
from supervisor.operations.administration import Administration
from supervisor.operations.agents.agents import AgentOperations
from supervisor.operations.approvals import ApprovalOperations
from supervisor.operations.changes.changes import ChangeOperations
from supervisor.operations.changes.reviews import ReviewOperations
from supervisor.operations.chats.chats import ChatOperations
from supervisor.operations.chats.search import SearchOperations
from supervisor.operations.one_shot import OneShot
from supervisor.operations.operations import Operations
from supervisor.operations.queue import QueueOperations
from supervisor.operations.uploads.uploads import UploadOperations
from supervisor.people.identity import Directory
from supervisor.people.sign_in.passkeys import Passkeys
from supervisor.people.sign_in.sign_in import SignIn
from supervisor.protocol.values.record import record
from supervisor.spending.spending import Spending
from supervisor.store.port import OpenDatabase
from supervisor.store.ports.keys import IdempotencyStore
from supervisor.store.ports.lists.lists import ListStore
from supervisor.tools.servers.servers import ToolServers
from supervisor.undo.undo import Undo


@record
class Api:
    """What a wire may use; the core builds it, and each server takes it whole.

    Attributes:
        directory: authenticates callers.
        administration: what operators and administrators look after.
        sign_in: signs people in with a browser.
        passkeys: of people.
        operations: sessions and messages; `operations.queries` only reads.
        approvals: open questions about tool calls.
        queue: messages that wait for their turn.
        load: what runs and waits, as numbers.
        one_shot: one prompt in a process of its own.
        chat: chats with the assistant.
        search: finds words in what was said.
        changes: what turns changed in files.
        reviews: comments on what a turn changed.
        agents: what programs report about their agents.
        undo: file changes of a turn, and how to revert them.
        spending: limits, and how much of them is used.
        hub: publishes events to subscribers.
        outbox: replies that leave by a channel.
        reply_trouble: replies that wait for long or were given up.
        uploads: files that people attach to messages.
        tool_servers: the programs and services whose tools models may use.
        links: returns for each other node how the link to it is, in a few words.
        nodes: the addresses of other nodes, from where agents may come.
        lists: messages, replies and dropped messages, page by page.
        keys: the answers that are kept under an Idempotency-Key.
        database: as a whole: whether it works, what is committed, its copies and checks.
    """

    directory: Directory
    administration: Administration
    sign_in: SignIn
    passkeys: Passkeys
    operations: Operations
    approvals: ApprovalOperations
    queue: QueueOperations
    load: LoadReader
    one_shot: OneShot
    chat: ChatOperations
    search: SearchOperations
    changes: ChangeOperations
    reviews: ReviewOperations
    agents: AgentOperations
    undo: Undo
    spending: Spending
    hub: Hub
    outbox: Outbox
    reply_trouble: ReplyTrouble
    uploads: UploadOperations
    tool_servers: ToolServers
    links: Callable[[], Mapping[str, str]]
    nodes: NodeAddresses
    lists: ListStore
    keys: IdempotencyStore
    database: OpenDatabase
