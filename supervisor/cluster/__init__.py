"""Several daemons on one PostgreSQL database: this node, the others, and the link between them."""

from __future__ import annotations
