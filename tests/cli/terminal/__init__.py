"""Tests of the attached terminal."""

from __future__ import annotations
