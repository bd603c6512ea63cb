"""Tests of connectors/remote."""

from __future__ import annotations
