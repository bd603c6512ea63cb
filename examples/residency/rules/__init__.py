"""The rules on working hours: one table of numbers, and what of a person's work breaks them. Pure functions."""

from __future__ import annotations
