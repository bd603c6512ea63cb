"""Ports of what the nodes of a cluster share."""

from __future__ import annotations
