"""The one way in for every message: limits, command words, routing, T1."""

from __future__ import annotations
