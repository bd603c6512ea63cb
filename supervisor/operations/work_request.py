"""A caller's request that starts work, in the form that is the same for every wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from supervisor.intake.submission import Submission
from supervisor.people.identity import Caller
from supervisor.protocol.messages import Address, Reply, well_formed
from supervisor.protocol.queue import Mode
from supervisor.protocol.values.record import record
from supervisor.store.records.accounts import User

DEDUP_SECONDS = 86_400.0
"""How long an `external_id` deduplicates, in seconds (docs/protocol.md)."""


@record
class WorkRequest:
    """Who asks for work, by which wire, and how a repeated request is recognised.

    A wire builds one for each request that starts a turn and passes it to `MessageOperations`, which turns it into a
    `Submission` for the intake.

    Attributes:
        channel: the wire or channel that the message is stored under ("socket", "http", "sms", ...).
        external_id: the caller's own id of the request. A second request with the same id within 24 h starts nothing
            and gets the first answer. None = the request is never deduplicated.
        digest: hash of the request's body. A second request with the same id and another digest is a conflict.
    """

    caller: Caller
    channel: str
    external_id: str | None = None
    digest: str = ""

    def submission(
        self,
        user: User,
        message: str,
        *,
        subject: str = "",
        context: Mapping[str, Any] | None = None,
        thread: str = "",
        reply: Reply | None = None,
        commands: bool = False,
        mode: Mode | None = None,
    ) -> Submission:
        """Return the message that this request submits; the other arguments are the fields of `Submission`."""
        return Submission(
            user=user,
            channel=self.channel,
            account=self.caller.account,
            sender=Address(kind="socket", value=self.caller.name),
            text=well_formed(message),
            subject=subject,
            context=context,
            thread=thread,
            reply=reply,
            dedup_key=self.external_id,
            dedup_seconds=DEDUP_SECONDS,
            digest=self.digest,
            commands=commands,
            mode=mode,
            way=self.caller.proof,
            source=self.caller.source,
            limited=self.caller.user_id is not None,
            waits=True,
        )
