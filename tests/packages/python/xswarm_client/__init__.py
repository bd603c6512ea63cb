"""Tests of the packages for other programs."""

from __future__ import annotations
