"""Tests of starting, limiting and ending the processes of a session."""

from __future__ import annotations
