"""Outgoing mail: `compose.compose` builds an answer, `page` its HTML part, and `delivery.Submission` sends it."""

from __future__ import annotations
