"""A channel with webhooks that tells what reached it."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import NotSent, Outbound, Reconciled, Sent
from supervisor.protocol.ports.channel import Channel
from supervisor.protocol.ports.web import Route, WebRequest, WebResponse

PATH = "/webhooks/test/text"
SECRET = "swordfish"


class HookChannel(Channel):
    """Keeps each request; `answer` is what the next one gets, an exception is raised."""

    name = "hooked"

    def __init__(self) -> None:
        self.requests: list[WebRequest] = []
        self.answer: WebResponse | Exception = WebResponse(status=200, body=b"<Response/>", content_type="text/xml")

    async def send(self, outbound: Outbound) -> Sent:
        return Sent(provider_id=outbound.id)

    async def reconcile(self, outbound: Outbound) -> Reconciled:
        return NotSent()

    def routes(self) -> Sequence[Route]:
        return (
            Route(method="POST", path=PATH, handler=self._take),
            Route(method="GET", path=PATH, handler=self._take),
            Route(method="POST", path="/webhooks/test/full", handler=self._full),
        )

    async def _take(self, request: WebRequest) -> WebResponse:
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def _full(self, request: WebRequest) -> WebResponse:
        raise StorageError("the disk is full")
