"""Tests of supervisor/wires/live."""

from __future__ import annotations
