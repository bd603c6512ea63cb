"""What the nodes of a cluster share: who of them lives."""

from __future__ import annotations
