"""What is so at the moment of a scrape, as families of samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from supervisor.background.load import Load
from supervisor.models.gateway.meter import CallTotals
from supervisor.protocol.times import usd
from supervisor.wires.metrics.counts import OTHER

MOST_MODELS = 20
"""Models with series of their own, the dearest ones; the others are added up."""


def of_load(load: Load) -> Iterator[Metric]:
    """Yield what runs and waits."""
    plain = {
        "xswarm_turns_running": ("Turns that run", load.running),
        "xswarm_turns_waiting": ("Turns that wait", load.waiting),
        "xswarm_turns_waiting_age_seconds": ("How long the oldest waiting turn has waited", load.waiting_seconds),
        "xswarm_outbox_late_age_seconds": ("Age of the oldest reply that should have left", load.late_seconds),
        "xswarm_approvals_open": ("Questions that nobody has answered yet", load.approvals),
        "xswarm_sessions": ("Sessions of Claude Code that have not ended", load.sessions),
        "xswarm_processes": ("Processes of Claude Code", load.processes),
        "xswarm_spent_today_usd": ("Spent on this UTC day", usd(load.today_nanos)),
    }
    for name, (text, value) in plain.items():
        yield GaugeMetricFamily(name, text, value)
    replies = GaugeMetricFamily("xswarm_outbox", "Replies that have not left", labels=["state"])
    for state, count in load.replies.items():
        replies.add_metric([state.value], count)
    yield replies
    yield CounterMetricFamily("xswarm_cost_usd", "Spent since ever", usd(load.nanos))


def of_parts(parts: Mapping[str, bool]) -> Iterator[Metric]:
    """Yield which parts of the daemon work."""
    family = GaugeMetricFamily("xswarm_part_up", "Whether a part of the daemon works", labels=["part"])
    for name, works in parts.items():
        family.add_metric([name], works)
    yield family


def of_models(models: Mapping[str, CallTotals]) -> Iterator[Metric]:
    """Yield what calls to models have cost since the start; agents choose the models, so only some have their own."""
    calls = CounterMetricFamily("xswarm_model_calls", "Calls to models that ended", labels=["model"])
    cost = CounterMetricFamily("xswarm_model_cost_usd", "Price of calls to models", labels=["model"])
    tokens = CounterMetricFamily("xswarm_model_tokens", "Tokens of calls to models", labels=["model", "direction"])
    dearest = sorted(models, key=lambda name: models[name].nanos, reverse=True)
    kept = {name: [models[name]] for name in dearest[:MOST_MODELS]}
    if rest := [models[name] for name in dearest[MOST_MODELS:]]:
        kept.setdefault(OTHER, []).extend(rest)
    for name, totals in kept.items():
        calls.add_metric([name], sum(total.calls for total in totals))
        cost.add_metric([name], usd(sum(total.nanos for total in totals)))
        tokens.add_metric([name, "input"], sum(total.tokens.input for total in totals))
        tokens.add_metric([name, "output"], sum(total.tokens.output for total in totals))
    yield from (calls, cost, tokens)
