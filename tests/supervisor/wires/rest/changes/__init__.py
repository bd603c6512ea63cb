"""Tests of supervisor/wires/rest/changes."""

from __future__ import annotations
