"""The REST API as a whole: every row of protocol.md section 2 is described in /openapi.json."""

from __future__ import annotations

from tests.supervisor.wires.http.serving import ROUTE, SESSIONS, Served


async def test_interface_is_described_and_loads_nothing_from_elsewhere(served: Served) -> None:
    paths = (await served.service.get("/openapi.json")).json()["paths"]
    rows = {
        ("post", SESSIONS),
        ("get", SESSIONS),
        ("get", SESSIONS + "/{session_id}"),
        ("delete", SESSIONS + "/{session_id}"),
        ("get", SESSIONS + "/{session_id}/messages"),
        ("post", SESSIONS + "/{session_id}/messages"),
        ("post", SESSIONS + "/{session_id}/interrupt"),
        ("get", SESSIONS + "/{session_id}/cost"),
        ("post", ROUTE),
        ("get", "/api/costs"),
        ("get", "/api/messages/{message_id}"),
        ("get", "/healthz"),
        ("get", "/readyz"),
    }
    assert rows <= {(method, path) for path, methods in paths.items() for method in methods}
    for page in ("/docs", "/redoc"):
        assert (await served.service.get(page)).status_code == 404
