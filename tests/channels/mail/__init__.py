"""Tests of the mail channel."""

from __future__ import annotations
