"""Tests of `cli.terminal.input`."""

from __future__ import annotations
