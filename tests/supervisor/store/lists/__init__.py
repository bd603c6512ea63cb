"""Tests of supervisor/store/lists."""

from __future__ import annotations
