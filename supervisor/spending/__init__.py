"""Limits on spending: reservations, metering, alerts."""

from __future__ import annotations
