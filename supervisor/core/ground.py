"""What every floor of the core stands on: configuration, store, people, the way to a model, and constants."""

from __future__ import annotations

from dataclasses import field

from supervisor.cluster.files import Files
from supervisor.cluster.resources import Resources
from supervisor.config import Config
from supervisor.delivery.hub import Hub
from supervisor.delivery.outbox import RECONCILE_PAUSE_MS
from supervisor.intake.acceptor import MAX_QUEUED
from supervisor.models.gateway.gateway import Gateway
from supervisor.operations.owner.owners import Owners
from supervisor.operations.sessions import ONE_TURN_TO_END_SECONDS, PROCESS_WAIT_SECONDS
from supervisor.people.identity import Directory
from supervisor.people.projects import Projects
from supervisor.people.rate_limits import RateLimits
from supervisor.people.rights import Rights
from supervisor.protocol.ports.connector import Connector
from supervisor.protocol.values.record import record
from supervisor.sessions.tool_access import ToolAccess
from supervisor.sessions.tool_sources import ToolSources
from supervisor.store import Store
from supervisor.turns.driver import GRACE_SECONDS
from supervisor.turns.running.budget_guard import REFUSED_SECONDS


@record
class Tuning:
    """Constants that operators cannot configure; tests choose others. Each is documented where it is used."""

    reconcile_pause_ms: int = RECONCILE_PAUSE_MS
    grace_seconds: float = GRACE_SECONDS
    refused_seconds: float = REFUSED_SECONDS
    max_queued: int = MAX_QUEUED
    turn_to_end_seconds: float = ONE_TURN_TO_END_SECONDS
    process_wait_seconds: float = PROCESS_WAIT_SECONDS


@record
class Ground:
    """The parts that all floors use.

    Attributes:
        connector: answers in Claude Code sessions.
        assistant: answers every other message.
        tools: tool servers, for turns of the assistant and for Claude Code.
        sources: of all tools of turns of the assistant.
        rights: what a user may start now.
        rates: limits of what is told about messages and recorded of them, one count over all wires.
        node: the name of this one; empty = it is alone.
        resources: what this node owns; alone, it owns everything.
        owners: which node an act belongs to.
        files: what people attached, wherever it was taken.
        hub: publishes events to subscribers.
    """

    config: Config
    store: Store
    directory: Directory
    projects: Projects
    gateway: Gateway
    connector: Connector
    assistant: Connector
    tools: ToolAccess
    sources: ToolSources
    rights: Rights
    rates: RateLimits
    node: str
    resources: Resources
    owners: Owners
    files: Files
    tuning: Tuning = field(default_factory=Tuning)
    hub: Hub = field(default_factory=Hub)
