"""The link: one sealed web socket per pair of nodes, for live events and for acts on processes."""

from __future__ import annotations
