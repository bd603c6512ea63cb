"""Tests of supervisor/wires/rest/oversight."""

from __future__ import annotations
