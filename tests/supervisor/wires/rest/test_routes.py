"""The REST API as a whole: what /openapi.json describes, methods, errors and remedies."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urlsplit

import pytest

from supervisor.wires.failures import CODES
from supervisor.wires.http.bodies import MAX_BODY
from tests.slowness import scaled
from tests.supervisor.harness import SERVICE
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


async def test_allow_names_every_method_of_a_path(served: Served) -> None:
    paths = (await served.service.get("/openapi.json")).json()["paths"]
    for path, methods in paths.items():
        if path.startswith("/api/admin"):
            continue
        unserved = next(method for method in ("PATCH", "PUT", "DELETE") if method.lower() not in methods)
        refused = await served.operator.request(unserved, path.replace("{", "").replace("}", ""))
        assert (refused.status_code, refused.json()["code"]) == (405, "method_not_allowed"), path
        allowed = refused.headers["allow"].split(", ")
        assert allowed == sorted(method.upper() for method in methods), path
    assert sorted(paths[SESSIONS]) == ["get", "post"]


async def test_a_remedy_names_what_a_client_of_http_can_do(served: Served) -> None:
    session_id = await served.session()
    await served.service.delete(f"{SESSIONS}/{session_id}")
    nobody = {"user_id": "nobody", "project_path": "/"}
    refusals = {
        "session_not_found": await served.service.get(f"{SESSIONS}/none"),
        "session_not_active": await served.prompt(session_id, "hello"),
        "user_not_found": await served.service.post(SESSIONS, json=nobody),
        "approval_not_found": await served.service.post("/api/approvals/BCDFG", json={"decision": "allow"}),
        "not_authenticated": await (await served.client(None)).get(SESSIONS),
        "token_not_found": await served.operator.delete("/api/admin/tokens/99"),
    }
    for code, response in refusals.items():
        body = response.json()
        assert body["code"] == code
        assert "xswarm claude" not in body["remedy"], body
        assert re.search(r"(GET|POST|DELETE) /api|Bearer TOKEN|xswarm user add", body["remedy"]), body


async def test_the_schema_is_as_narrow_as_the_server(served: Served) -> None:
    described = (await served.service.get("/openapi.json")).json()
    assert described["components"]["schemas"]["Failure"]["properties"]["code"]["enum"] == list(CODES)
    parameters = {
        (path, one["name"]): next(
            choice["pattern"] for choice in one["schema"].get("anyOf", [one["schema"]]) if "pattern" in choice
        )
        for path, name in ((SESSIONS, "cursor"), ("/api/costs", "since"), ("/api/costs", "until"))
        for one in described["paths"][path]["get"]["parameters"]
        if one["name"] == name
    }
    tried = {
        (SESSIONS, "cursor"): ["MTIzOnMx", "a b", "MTIzOnMx=", "MTIzOnMx\n", "+/"],
        ("/api/costs", "since"): [
            "2024-02-29",
            "2024-01-01T10:00:00Z",
            "2024-01-01t10:00:00.5+02:00",
            "2024-01-01T10:00:00",
            "2024-W01-1",
            "2024-01-01T10",
            "20240101T100000",
            "yesterday!",
        ],
    }
    for (path, name), values in tried.items():
        for value in values:
            answered = await served.service.get(path, params={name: value})
            matches = re.fullmatch(parameters[path, name], value) is not None
            assert answered.status_code == (200 if matches else 422), (name, value, answered.text)
    status = described["components"]["schemas"]["Session"]["properties"]["status"]
    assert "disconnected" in status["enum"]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_client_that_sends_too_much_reads_its_413_as_json(served: Served, chunked: bool) -> None:
    address = urlsplit(served.server.url)
    async with asyncio.timeout(scaled(60.0)):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {5 * MAX_BODY}"
        head = f"POST {ROUTE} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {SERVICE}\r\n{length}\r\n\r\n"
        writer.write(head.encode())
        for _ in range(5):
            size = f"{MAX_BODY:x}\r\n".encode() if chunked else b""
            writer.write(size + b"x" * MAX_BODY + (b"\r\n" if chunked else b""))
            await writer.drain()
        if chunked:
            writer.write(b"0\r\n\r\n")
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"content-type: application/json" in answer
    assert b'"code":"too_large"' in answer
