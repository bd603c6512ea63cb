"""Tests of how a command reaches the daemon."""

from __future__ import annotations
