"""What the nodes of a cluster share in PostgreSQL."""

from __future__ import annotations
