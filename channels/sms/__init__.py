"""Text messages through Twilio."""

from __future__ import annotations
