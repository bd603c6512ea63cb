"""STATUS and COST: what waits for the sender, their sessions, and what they have spent."""

from __future__ import annotations
