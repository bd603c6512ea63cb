"""Acts on processes and folders, carried out at the node that owns their resource."""

from __future__ import annotations
