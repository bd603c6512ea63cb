"""Tests of connectors/echo."""

from __future__ import annotations
