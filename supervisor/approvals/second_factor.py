"""When a yes needs a second factor: the call has a high risk, and the sender may be forged."""

from __future__ import annotations

from collections.abc import Collection

from supervisor.permissions.policy import Risk
from supervisor.protocol.messages import CONSOLE, IN_CHAT
from supervisor.store.ports.approvals import NewApproval
from supervisor.store.ports.people.sign_in import Way

AUTHENTICATED = frozenset({"socket", "http", "stream", CONSOLE}) | IN_CHAT
"""Channels on which a token proves who writes. On every other channel the sender may be forged."""

LINKS = frozenset({Way.MAIL.value, Way.SMS.value})
"""Ways of signing in that a forger may go."""


def answered_by(channel: str, way: str) -> str:
    """Return by what an answer came, for the audit trail: where only the way of signing in counts, by that.

    Args:
        way: how who answers signed in with a browser, see `Way`; empty = with none.
    """
    return way if way in LINKS or way == Way.OIDC else channel


def proven_by(channel: str, way: str) -> str:
    """Return the channel that proves who wrote a message: for a session that a link signed in, that of the link."""
    return way if way in LINKS else channel


class SecondFactor:
    """Says which calls and which answers one message alone does not authorise.

    Args:
        high_risks: `[approvals] high_risk`.
    """

    def __init__(self, high_risks: Collection[Risk]) -> None:
        self._high_risks = frozenset(high_risks)

    def guarded(self, channel: str, way: str = "") -> frozenset[Risk]:
        """Return the risks that need approval in a turn, even where the project allows everything.

        Args:
            channel, way: of the message that started it.
        """
        return self._high_risks if proven_by(channel, way) not in AUTHENTICATED else frozenset()

    def is_needed(self, approval: NewApproval, channel: str, *, way: str = "") -> bool:
        """Return whether a yes by a channel is not enough, since both it and the turn may come from one forger.

        Args:
            way: how who says it signed in with a browser, see `Way`; empty = with none. Whoever forges a link may have
                written in a chat with the same link, so a turn there whose way is not known is no second way. Another
                service may give an account back to whoever reads a mailbox or a phone.
        """
        if approval.risk not in self._high_risks:
            return False
        asked_by, said_by = proven_by(approval.channel, approval.way), proven_by(channel, way)
        if way == Way.OIDC:
            return asked_by not in AUTHENTICATED
        if said_by in AUTHENTICATED:
            return False
        by_link = channel in AUTHENTICATED
        return asked_by == said_by or (by_link and not approval.way and asked_by in AUTHENTICATED)
