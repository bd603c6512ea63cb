"""The console's files: without a token, compressed, under the policy, kept by browsers or asked for again."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from supervisor.wires.failures import NoSuchPath
from supervisor.wires.http.console import BUILT, NOT_BUILT, PAGES, ConsolePages, read_console
from tests.packaging.project import ROOT
from tests.supervisor.wires.http.serving import Served

SCRIPT = "assets/index-AbCd1234.js"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A folder as Vite writes it."""
    files = {"index.html": f'<script src="/{SCRIPT}">', SCRIPT: "1;" * 400, "assets/notes.txt": "not served"}
    for name, text in files.items():
        path = tmp_path / "console" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(text.encode()))
    return tmp_path / "console"


def client(folder: Path) -> httpx.AsyncClient:
    """Return a client of the pages alone; what they pass on is answered by 401."""

    async def with_token(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 401, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    transport = httpx.ASGITransport(ConsolePages(with_token, read_console(folder)))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")


@pytest.mark.parametrize("path", ["/", "/chat", "/chat/some-session"])
@pytest.mark.requirement(29)
async def test_every_page_is_the_index_under_the_policy_and_asked_for_again(built: Path, path: str) -> None:
    async with client(built) as browser:
        answer = await browser.get(path)
        assert (answer.status_code, answer.text) == (200, f'<script src="/{SCRIPT}">')
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache"
        assert "set-cookie" not in answer.headers
        again = await browser.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert (await browser.get(path, headers={"If-None-Match": '"another"'})).status_code == 200


async def test_a_hashed_file_is_kept_for_ever_and_sent_as_it_was_compressed(built: Path) -> None:
    async with client(built) as browser:
        answer = await browser.get(f"/{SCRIPT}")
        assert answer.text == "1;" * 400
        assert answer.headers["content-encoding"] == "gzip"
        assert int(answer.headers["content-length"]) == (built / f"{SCRIPT}.gz").stat().st_size
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["content-security-policy"] == POLICY


@pytest.mark.parametrize("accepted", ["identity", "br", "gzip;q=0", "gzip; q=0.0, br"])
async def test_a_client_without_gzip_gets_the_file_as_it_is(built: Path, accepted: str) -> None:
    async with client(built) as browser:
        answer = await browser.get(f"/{SCRIPT}", headers={"Accept-Encoding": accepted})
        assert answer.content == b"1;" * 400
        assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/assets/gone-1234.js", "/assets/../index.html", "/assets/notes.txt", "/assets/", f"/{SCRIPT}.gz"]
)
async def test_what_is_no_file_of_the_build_is_not_found(built: Path, path: str) -> None:
    pages = ConsolePages(_never, read_console(built))
    with pytest.raises(NoSuchPath):
        await pages({"type": "http", "method": "GET", "path": path, "headers": []}, _receive, _send)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/costs"), ("GET", "/chats"), ("GET", "//chat"), ("POST", "/")]
)
async def test_every_other_request_is_passed_on(built: Path, method: str, path: str) -> None:
    async with client(built) as browser:
        assert (await browser.request(method, f"http://localhost{path}")).status_code == 401


async def test_without_a_build_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    async with client(tmp_path) as browser:
        answer = await browser.get("/")
        assert (answer.status_code, answer.text) == (503, NOT_BUILT)
        assert "<code>make console</code>" in answer.text
        assert answer.headers["content-security-policy"] == POLICY


async def test_the_server_serves_the_build_without_a_token(tmp_path: Path) -> None:
    async with Served(tmp_path) as served:
        nobody = await served.client(None)
        answer = await nobody.get("/chat")
        assert answer.status_code == 200, "`make console` builds it"
        assert answer.content == (BUILT / "index.html").read_bytes()
        assert (await nobody.get("/", headers={"Host": "evil.example"})).status_code == 403
        for path in re.findall(r'(?:src|href)="(/[^"]+)"', answer.text):
            found = await nobody.get(path)
            assert found.status_code == 200, path
            assert re.fullmatch(r"/assets/[\w.-]+-[\w-]{8}\.\w+", path)


def test_daemon_and_console_know_the_same_pages() -> None:
    source = (ROOT / "console/src/app/pages.ts").read_text(encoding="utf-8")
    assert set(re.findall(r'\bname: "(\w+)"', source)) == PAGES


async def _never(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("nothing is passed on")


async def _receive() -> Message:
    raise AssertionError("nothing is read")


async def _send(message: Message) -> None:
    raise AssertionError("nothing is sent")


@pytest.mark.requirement(29)
def test_the_policy_is_that_of_the_specification_to_the_letter() -> None:
    assert POLICY == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
