"""SQL of costs and budgets."""

from __future__ import annotations
