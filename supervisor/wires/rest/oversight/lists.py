"""REST: messages and replies of everybody for those who oversee, of oneself for all others; page by page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import Query

from supervisor.operations.approvals import ApprovalOperations
from supervisor.operations.queries import Queries
from supervisor.people.identity import Caller
from supervisor.protocol.messages import MessageId, OutboxId, UserId
from supervisor.protocol.requests import Name
from supervisor.protocol.status import OutboxState, TurnState
from supervisor.protocol.times import rfc3339
from supervisor.protocol.values.record import record
from supervisor.store.ports.lists.lists import ListedMessage, ListFilter, ListStore
from supervisor.wires.http.auth import Calling
from supervisor.wires.rest.replies import Reply, body_of
from supervisor.wires.rest.resource import Endpoint, Limit

Channel = Annotated[str, Query(max_length=64)]
Project = Annotated[str, Query(max_length=64)]
Before = Annotated[str | None, Query(alias="from", max_length=256)]


@record
class MessageRow:
    """An accepted message; `text` is its beginning, empty where the caller may not read it.

    `waits_on` are the users who are asked about a tool call of its turn.
    """

    message_id: str
    user_id: str
    session_id: str | None
    project: str
    channel: str
    target: str
    state: str
    text: str
    accepted_at: str
    started_at: str | None
    ended_at: str | None
    waits_on: Sequence[str]


@record
class MessageRows:
    """Messages, newest first; `next` is the `from` of the next page, null = there is none."""

    messages: Sequence[MessageRow]
    next: str | None


@record
class ReplyRows:
    """Replies, newest first; `next` is the `from` of the next page, null = there is none."""

    replies: Sequence[Reply]
    next: str | None


class ListRoutes:
    """The routes of lists."""

    def __init__(self, lists: ListStore, queries: Queries, approvals: ApprovalOperations) -> None:
        self._lists = lists
        self._queries = queries
        self._approvals = approvals

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("GET", "/api/messages", self.messages),
            Endpoint("GET", "/api/outbox", self.replies),
        ]

    async def messages(
        self,
        caller: Calling,
        user_id: Annotated[Name | None, Query()] = None,
        channel: Channel = "",
        project: Project = "",
        state: Annotated[TurnState | None, Query()] = None,
        before: Before = None,
        limit: Annotated[Limit, Query()] = 50,
    ) -> MessageRows:
        """Return a page of messages; `from` is the `next` of the page before."""
        where = ListFilter(user_id=self._whose(caller, user_id), channel=channel, project=project, state=state or "")
        start = MessageId(before) if before is not None else None
        found = await self._lists.messages(where, before=start, limit=limit + 1)
        page = found[:limit]
        return MessageRows(
            messages=[self._message(caller, one) for one in page],
            next=page[-1].message_id if len(found) > limit else None,
        )

    async def replies(
        self,
        caller: Calling,
        user_id: Annotated[Name | None, Query()] = None,
        channel: Channel = "",
        state: Annotated[OutboxState | Literal["failed"] | None, Query()] = None,
        before: Before = None,
        limit: Annotated[Limit, Query()] = 50,
    ) -> ReplyRows:
        """Return a page of replies; `from` is the `next` of the page before, `failed` is `undelivered` or `dead`."""
        where = ListFilter(user_id=self._whose(caller, user_id), channel=channel, state=state or "")
        start = OutboxId(before) if before is not None else None
        found = await self._lists.replies(where, before=start, limit=limit + 1)
        page = found[:limit]
        return ReplyRows(replies=[body_of(row) for row in page], next=page[-1].id if len(found) > limit else None)

    def _whose(self, caller: Caller, user_id: str | None) -> UserId | None:
        """Return whose rows a caller asks for; None = those of everybody."""
        return self._queries.own_scope(caller) if user_id is None else self._queries.readable_user(caller, user_id).id

    def _message(self, caller: Caller, one: ListedMessage) -> MessageRow:
        return MessageRow(
            message_id=one.message_id,
            user_id=one.user_id,
            session_id=one.session_id,
            project=one.project,
            channel=one.channel,
            target=one.target.value,
            state=one.state.value,
            text=one.text if caller.may_act_for(one.user_id) else "",
            accepted_at=rfc3339(one.accepted_ms),
            started_at=rfc3339(one.started_ms) if one.started_ms is not None else None,
            ended_at=rfc3339(one.ended_ms) if one.ended_ms is not None else None,
            waits_on=self._approvals.asked(one.project, one.user_id) if one.is_asked else (),
        )
