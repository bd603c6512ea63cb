"""Counts and durations since the start of the daemon.

Each label has few values that are known beforehand, so nobody can make the daemon keep many series: what a caller may
choose freely, such as the name of a channel in REST, counts as "other" unless it is one of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

from supervisor.protocol.messages import CHAT, DELEGATED
from supervisor.store.committed import Committed, Entry

OTHER = "other"

OUR_CHANNELS = frozenset({CHAT, DELEGATED, "http", "socket"})
"""Channels that need no configuration."""

COMMIT_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
LAG_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
"""Upper bounds of the classes of each histogram, in seconds."""

COUNTED = {
    "message": ("accepted", "refused", "dropped"),
    "turn": ("completed", "failed", "interrupted", "cancelled"),
    "reply": ("sent", "delivered", "undelivered", "dead"),
    "approval": ("asked", "allowed", "denied", "expired", "outdated", "withdrawn"),
    "signin": ("ok", "failed"),
}
"""By what an entry of the audit trail is about: the outcomes that are counted."""


class Counts:
    """The counters and histograms, and the registry that holds them.

    Args:
        channels: returns the names of the channels that are configured.
    """

    def __init__(self, channels: Callable[[], Collection[str]] = tuple) -> None:
        self._channels = channels
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        by_channel = ("channel", "outcome")
        self._by_channel = {
            "message": Counter("xswarm_messages", "Messages that came in", by_channel, registry=registry),
            "turn": Counter("xswarm_turns", "Turns that ended", by_channel, registry=registry),
            "reply": Counter("xswarm_replies", "Replies by channels", by_channel, registry=registry),
        }
        self._by_outcome = {
            "approval": Counter("xswarm_approvals", "Questions about tool calls", ("outcome",), registry=registry),
            "signin": Counter("xswarm_sign_ins", "People who signed in", ("outcome",), registry=registry),
        }
        for kind, counter in self._by_outcome.items():  # at 0 from the start, so that the first one is an increase
            for outcome in COUNTED[kind]:
                counter.labels(outcome)
        self._commits = Histogram(
            "xswarm_store_commit_seconds",
            "From the begin of a transaction to the end of its commit",
            buckets=COMMIT_SECONDS,
            registry=registry,
        )
        self._lag = Histogram(
            "xswarm_event_loop_lag_seconds", "How late the event loop was", buckets=LAG_SECONDS, registry=registry
        )
        self._webhooks = Counter(
            "xswarm_webhooks_refused",
            "Requests to the webhook of a channel that were answered with an error",
            ("path", "status"),
            registry=registry,
        )

    def committed(self, group: Committed) -> None:
        """Count what a group of writes left in the database."""
        for seconds in group.seconds:
            self._commits.observe(seconds)
        for entry in group.entries:
            self._count(entry)

    def late(self, seconds: float) -> None:
        """Note how late the event loop was."""
        self._lag.observe(seconds)

    def webhook_refused(self, path: str, status: int) -> None:
        """Count a request to a webhook that was refused.

        Args:
            path: as the channel declared it, never as a client wrote it.
        """
        self._webhooks.labels(path, str(status)).inc()

    def _count(self, entry: Entry) -> None:
        kind, _, outcome = entry.event.partition(".")
        if outcome not in COUNTED.get(kind, ()):
            return
        if kind in self._by_outcome:
            self._by_outcome[kind].labels(outcome).inc()
            return
        known = entry.channel in OUR_CHANNELS or entry.channel in self._channels()
        self._by_channel[kind].labels(entry.channel if known else OTHER, outcome).inc()
