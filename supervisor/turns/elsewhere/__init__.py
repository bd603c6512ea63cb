"""Turns and other nodes: those that run there are waited for here, and those that run here are stopped from there."""

from __future__ import annotations
