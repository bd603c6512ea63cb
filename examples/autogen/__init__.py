"""Agents of AutoGen that let Claude Code work: a cheap model plans, Claude Code writes and tests the code."""

from __future__ import annotations
