"""Tests of the SMS channel."""

from __future__ import annotations
