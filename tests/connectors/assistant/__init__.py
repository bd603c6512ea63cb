"""Tests of connectors/assistant."""

from __future__ import annotations
