"""A made-up programme: the same seed and date give the same 30 people and the same year of work."""

from __future__ import annotations
