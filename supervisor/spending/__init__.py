"""Limits on spending.

`spending.Spending` is the public face. Behind it: `limits` (arithmetic without I/O), `budgets` (limits compared with
what the store has recorded), `meter` (the costs of calls), `alerts` (which level was reached), `notices` (what people
are told). All amounts are integers in nanodollars unless a name ends with `usd`; 1 dollar = 1 000 000 000 nanodollars.
"""

from __future__ import annotations
