"""Tests of `supervisor.protocol.wire`."""

from __future__ import annotations
