"""The port of lists that people page through."""

from __future__ import annotations
