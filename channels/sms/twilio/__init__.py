"""Twilio's side of the SMS channel: its API, its error codes and the signature of its webhooks."""

from __future__ import annotations
