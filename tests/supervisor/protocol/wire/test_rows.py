"""The rows of lists have the fields of the protocol."""

from __future__ import annotations

from dataclasses import fields

import pytest

from supervisor.protocol.wire.rows import CostBudget, CostRow


@pytest.mark.parametrize(
    ("row", "names"),
    [
        (CostRow, "key cost_usd message_count input_tokens output_tokens"),
        (CostBudget, "scope id limit_usd spent_usd"),
    ],
)
def test_a_row_has_these_fields(row: type[CostRow | CostBudget], names: str) -> None:
    assert [field.name for field in fields(row)] == names.split()
