"""Tests of supervisor.sessions.decisions."""

from __future__ import annotations
