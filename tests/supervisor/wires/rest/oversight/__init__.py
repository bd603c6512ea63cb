"""Tests of supervisor/wires/rest/admin."""

from __future__ import annotations
