"""Tests of examples/autogen."""

from __future__ import annotations
