"""REST: what turns have cost, and the limits on spending."""

from __future__ import annotations
