"""When a yes needs a second factor: the call has a high risk, and the sender may be forged."""

from __future__ import annotations

from collections.abc import Collection

from supervisor.permissions.policy import Risk
from supervisor.protocol.messages import CONSOLE, IN_CHAT
from supervisor.store.ports.approvals import NewApproval

AUTHENTICATED = frozenset({"socket", "http", "stream", CONSOLE}) | IN_CHAT
"""Channels on which a token proves who writes. On every other channel the sender may be forged."""


class SecondFactor:
    """Says which calls and which answers one message alone does not authorise.

    Args:
        high_risks: `[approvals] high_risk`.
    """

    def __init__(self, high_risks: Collection[Risk]) -> None:
        self._high_risks = frozenset(high_risks)

    def guarded(self, channel: str) -> frozenset[Risk]:
        """Return the risks that need approval in a turn of a channel, even where the project allows everything."""
        return self._high_risks if channel not in AUTHENTICATED else frozenset()

    def is_needed(self, approval: NewApproval, channel: str, *, by_link: bool = False) -> bool:
        """Return whether a yes by a channel is not enough, since both it and the turn may come from one forger.

        Args:
            by_link: the yes comes from a browser that signed in with a link by this channel. Whoever forges that may
                have written in a chat with the same link, so a turn of an authenticated channel is no second way.
        """
        if approval.risk not in self._high_risks or channel in AUTHENTICATED:
            return False
        return approval.channel == channel or (by_link and approval.channel in AUTHENTICATED)
