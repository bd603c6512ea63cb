"""Schedules that a solver makes. It needs OR-Tools, which is an extra: without it nothing here is offered."""

from __future__ import annotations
