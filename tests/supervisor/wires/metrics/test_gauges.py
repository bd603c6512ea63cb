"""What is so at the moment of a scrape: few series, whatever agents choose."""

from __future__ import annotations

from supervisor.models.gateway.meter import CallTotals
from supervisor.protocol.conversation import Tokens
from supervisor.wires.metrics import gauges


def test_many_models_make_few_series() -> None:
    models = {
        f"model-{number}": CallTotals(calls=1, nanos=number, tokens=Tokens(input=2, output=3)) for number in range(100)
    }
    calls, cost, tokens = gauges.of_models(models)
    by_model = {sample.labels["model"]: sample.value for sample in calls.samples}
    assert len(by_model) == gauges.MOST_MODELS + 1
    assert (by_model["model-99"], by_model["other"]) == (1, 100 - gauges.MOST_MODELS)
    assert sum(sample.value for sample in tokens.samples) == 500
    assert round(sum(sample.value for sample in cost.samples) * 1e9) == sum(range(100))


def test_a_model_that_is_called_other_joins_the_others() -> None:
    models = {f"model-{number}": CallTotals(calls=1, nanos=number) for number in range(30)}
    models["other"] = CallTotals(calls=1, nanos=1000)
    calls, *_ = gauges.of_models(models)
    names = [sample.labels["model"] for sample in calls.samples]
    assert sorted(names) == sorted(set(names))
    assert sum(sample.value for sample in calls.samples) == 31
