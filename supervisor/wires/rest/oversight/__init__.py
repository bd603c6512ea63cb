"""REST for the people who run the daemon: what everybody did, what was sent, who may do what."""

from __future__ import annotations
