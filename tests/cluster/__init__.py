"""Several daemons on one PostgreSQL database: what holds when one is killed, paused or cut off."""

from __future__ import annotations
