"""Tests of the commands outside of `xswarm claude`."""

from __future__ import annotations
