"""Questions to a year of work: compliance, conflicts, vulnerable slots, swaps. Nothing here changes a schedule."""

from __future__ import annotations
