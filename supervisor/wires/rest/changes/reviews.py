"""REST: reviews of what a turn changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field

from supervisor.operations.changes.reviews import LineComment, ReviewOperations
from supervisor.protocol.errors import IdempotencyConflict
from supervisor.protocol.limits import Between, Length
from supervisor.protocol.messages import CONSOLE
from supervisor.protocol.values.record import record
from supervisor.wires.http.auth import Calling
from supervisor.wires.http.idempotency import GivenKey
from supervisor.wires.rest.resource import SESSION, Endpoint, Id, key_conflict, work_request

MAX_COMMENTS = 200
"""Most comments of a review."""


class Comment(BaseModel):
    """A comment on a line; with `before`, `line` is its number before the turn, which removed it."""

    path: Annotated[str, Length(1, 4096)]
    line: Annotated[int, Between(1, 10_000_000)]
    before: bool = False
    code: Annotated[str, Length(0, 10_000)] = ""
    text: Annotated[str, Length(1, 4_000)]


class Review(BaseModel):
    """The turn, and the comments on it."""

    message_id: Annotated[str, Length(1, 64)]
    comments: Annotated[list[Comment], Field(min_length=1, max_length=MAX_COMMENTS)]


@record
class ReviewSent:
    """The session has the review; `message_id` is that of its prompt."""

    session_id: str
    message_id: str


class ReviewRoutes:
    """The routes of reviews."""

    def __init__(self, reviews: ReviewOperations) -> None:
        self._reviews = reviews

    def endpoints(self) -> Sequence[Endpoint]:
        """Return the routes."""
        return [Endpoint("POST", f"{SESSION}/changes/reviews", self.send, 202)]

    async def send(self, caller: Calling, session_id: Id, body: Review, key: GivenKey) -> ReviewSent:
        """Send comments on lines of a turn's diff to its session as one prompt; the console asks its questions."""
        comments = [
            LineComment(path=one.path, line=one.line, before=one.before, code=one.code, text=one.text)
            for one in body.comments
        ]
        try:
            sent = await self._reviews.send(work_request(caller, CONSOLE, key), session_id, body.message_id, comments)
        except IdempotencyConflict:
            raise key_conflict(key) from None
        return ReviewSent(session_id=session_id, message_id=sent)
