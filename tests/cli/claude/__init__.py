"""Tests of the commands of `xswarm claude`."""

from __future__ import annotations
