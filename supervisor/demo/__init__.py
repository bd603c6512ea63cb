"""Local stand-ins for the outside world, for the demo and the tests."""

from __future__ import annotations
