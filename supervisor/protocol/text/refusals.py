"""The words of what the database refused, for the senders of messages and for whoever makes a call."""

from __future__ import annotations

from supervisor.protocol.errors import StorageError

AGAIN = "the message was not accepted and may be sent again"
"""Ends the remedies of refusals: what the sender of a message may do."""


def for_sender(cure: str) -> str:
    """Return a remedy for the sender of a message.

    Args:
        cure: of the cause; empty = not known, and so is the remedy.
    """
    return f"{cure}; {AGAIN}" if cure else ""


def cause(error: StorageError) -> str:
    """Return why the database refused and what cures that, for whoever makes a call: they have sent no message."""
    return f"{error.why}; {error.remedy.removesuffix(f'; {AGAIN}')}"
