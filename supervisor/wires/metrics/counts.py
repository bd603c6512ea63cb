"""Counts and durations since the start of the daemon.

Each label has few values that are known beforehand, so nobody can make the daemon keep many series: what a caller may
choose freely, such as the name of a channel in REST, counts as "other" unless it is one of ours.

Everything is counted in the event loop, without the locks of prometheus_client: each commit would pay for them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

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


BY_CHANNEL = {
    "message": ("xswarm_messages", "Messages that came in"),
    "turn": ("xswarm_turns", "Turns that ended"),
    "reply": ("xswarm_replies", "Replies by channels"),
}
BY_OUTCOME = {
    "approval": ("xswarm_approvals", "Questions about tool calls"),
    "signin": ("xswarm_sign_ins", "People who signed in"),
}
"""What is counted by channel and outcome, and by outcome alone: the name of the counter, and its help."""


class Counts(Collector):
    """The counters and histograms, and the registry that shows them.

    Args:
        channels: returns the names of the channels that are configured.
    """

    def __init__(self, channels: Callable[[], Collection[str]] = tuple) -> None:
        self._channels = channels
        self._by_channel: dict[str, Counter[tuple[str, ...]]] = {kind: Counter() for kind in BY_CHANNEL}
        # At 0 from the start, so that the first one is an increase.
        self._by_outcome: dict[str, Counter[tuple[str, ...]]] = {
            kind: Counter({(outcome,): 0 for outcome in COUNTED[kind]}) for kind in BY_OUTCOME
        }
        self._webhooks: Counter[tuple[str, ...]] = Counter()
        self._commits = _Durations(COMMIT_SECONDS)
        self._lag = _Durations(LAG_SECONDS)
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.registry.register(self)

    def committed(self, group: Committed) -> None:
        """Count what a group of writes left in the database."""
        for seconds in group.seconds:
            self._commits.add(seconds)
        for entry in group.entries:
            self._count(entry)

    def late(self, seconds: float) -> None:
        """Note how late the event loop was."""
        self._lag.add(seconds)

    def webhook_refused(self, path: str, status: int) -> None:
        """Count a request to a webhook that was refused.

        Args:
            path: as the channel declared it, never as a client wrote it.
        """
        self._webhooks[path, str(status)] += 1

    def collect(self) -> Iterator[Metric]:
        """Yield the families of samples, for a scrape."""
        for kind, (name, text) in BY_CHANNEL.items():
            yield _counter(name, text, ("channel", "outcome"), self._by_channel[kind])
        for kind, (name, text) in BY_OUTCOME.items():
            yield _counter(name, text, ("outcome",), self._by_outcome[kind])
        yield self._commits.family(
            "xswarm_store_commit_seconds", "From the begin of a transaction to the end of its commit"
        )
        yield self._lag.family("xswarm_event_loop_lag_seconds", "How late the event loop was")
        refused = "Requests to the webhook of a channel that were answered with an error"
        yield _counter("xswarm_webhooks_refused", refused, ("path", "status"), self._webhooks)

    def _count(self, entry: Entry) -> None:
        kind, _, outcome = entry.event.partition(".")
        if outcome not in COUNTED.get(kind, ()):
            return
        if kind in self._by_outcome:
            self._by_outcome[kind][outcome,] += 1
            return
        known = entry.channel in OUR_CHANNELS or entry.channel in self._channels()
        self._by_channel[kind][entry.channel if known else OTHER, outcome] += 1


class _Durations:
    """How many durations fell into each class.

    Args:
        bounds: the upper bounds of the classes, in seconds, ascending.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, seconds: float) -> None:
        """Count one; a class holds its upper bound."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._sum += seconds

    def family(self, name: str, text: str) -> Metric:
        """Return them as a histogram, whose classes hold all that is smaller as well."""
        bounds = [*map(str, self._bounds), "+Inf"]
        buckets = list(zip(bounds, accumulate(self._counts), strict=True))
        return HistogramMetricFamily(name, text, buckets=buckets, sum_value=self._sum)


def _counter(name: str, text: str, labels: Sequence[str], counted: Mapping[tuple[str, ...], int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, count in counted.items():
        family.add_metric(values, count)
    return family
