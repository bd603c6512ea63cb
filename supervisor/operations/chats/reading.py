"""The messages of a session as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from supervisor.people.identity import Caller
from supervisor.protocol.events import HistoryMessage
from supervisor.store.records.session import Session
from supervisor.tools.people.book import PeopleBook


def reads_names(caller: Caller, session: Session) -> bool:
    """Return whether a caller is the one person of a session, so that every answer in it is to them."""
    return session.user_id == caller.user_id and not session.shared


async def with_names(
    messages: Sequence[HistoryMessage], session: Session, caller: Caller, book: PeopleBook
) -> Sequence[HistoryMessage]:
    """Return messages with names in the place of references, in answers to the caller; a service keeps references.

    Raises:
        StorageError: the people of the session cannot be read.
    """
    if caller.user_id is None:
        return messages
    people = (await book.of(session.id)).people
    own = {message.id for message in messages if message.user_id == caller.user_id}
    everything = reads_names(caller, session)
    return [
        replace(message, message=people.read(message.message))
        if message.reply_to is not None and (everything or message.reply_to in own)
        else message
        for message in messages
    ]
