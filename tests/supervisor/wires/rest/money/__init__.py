"""Tests of supervisor/wires/rest/money."""

from __future__ import annotations
