"""Conversations with what answers: opened, resumed, evicted, closed."""

from __future__ import annotations
