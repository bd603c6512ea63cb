"""Outgoing mail: `compose.compose` builds an answer, and `delivery.Submission` sends it."""

from __future__ import annotations
