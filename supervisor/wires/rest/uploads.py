"""REST: files that a person attaches to messages of the chat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from supervisor.operations.uploads.uploads import UploadOperations
from supervisor.people.identity import Caller, Directory
from supervisor.protocol.errors import InvalidMessage, NotAllowed
from supervisor.protocol.values.record import record
from supervisor.store.records.accounts import User
from supervisor.wires.http.auth import Calling
from supervisor.wires.http.bodies import UPLOADS
from supervisor.wires.http.download import attachment
from supervisor.wires.rest.resource import Endpoint, Id

OF_FILES = "application/octet-stream"


@record
class Uploaded:
    """A file that a message of the chat can carry: name its id in `attachments`. `size` in bytes."""

    id: str
    name: str
    media_type: str
    size: int


class UploadRoutes:
    """The routes of uploads; they take the token or cookie of a person."""

    def __init__(self, uploads: UploadOperations, directory: Directory) -> None:
        self._uploads = uploads
        self._directory = directory

    def endpoints(self) -> Sequence[Endpoint]:
        """Return the routes."""
        path = UPLOADS + "{upload_id}"
        return [
            Endpoint("PUT", path, self.put, 201),
            Endpoint("GET", path, self.get),
            Endpoint("DELETE", path, self.remove, 204),
        ]

    async def put(
        self,
        caller: Calling,
        upload_id: Id,
        request: Request,
        name: Annotated[str, Query(min_length=1, max_length=400)],
    ) -> Uploaded:
        """Store a file under a UUID that the client makes; the body is the file, as application/octet-stream."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != OF_FILES:
            raise InvalidMessage("content-type", f"must be {OF_FILES}")
        found = await self._uploads.put(self._person(caller), upload_id, name, await request.body())
        return Uploaded(id=found.id, name=found.name, media_type=found.media_type, size=found.size)

    async def get(self, caller: Calling, upload_id: Id) -> Response:
        """Return a file of the caller's."""
        found, content = await self._uploads.content(self._person(caller), upload_id)
        return attachment(found.name, content)

    async def remove(self, caller: Calling, upload_id: Id) -> None:
        """Delete a file that was not sent."""
        await self._uploads.remove(self._person(caller), upload_id)

    def _person(self, caller: Caller) -> User:
        if caller.user_id is None:
            raise NotAllowed("files of a service", "use the token of a person")
        return self._directory.user(caller.user_id)
