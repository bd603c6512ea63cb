"""Tests of examples/service."""

from __future__ import annotations
