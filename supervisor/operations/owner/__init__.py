"""Acts on processes and folders, carried out at the node that owns the place."""

from __future__ import annotations
