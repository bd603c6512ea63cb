"""Tests of the engine PostgreSQL."""

from __future__ import annotations
