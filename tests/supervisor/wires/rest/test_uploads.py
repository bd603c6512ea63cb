"""REST: files that people attach to messages: limits, owners, what a message carries, and when they are deleted."""

from __future__ import annotations

import shutil
import stat
import uuid
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path

import httpx
import pytest

from supervisor.background.uploads import UNSENT_MS, UploadKeeper
from supervisor.config import Uploads
from supervisor.operations.uploads.media_types import media_type_of
from supervisor.operations.uploads.uploads import safe_name
from supervisor.protocol.errors import NotAllowed
from supervisor.protocol.messages import SessionId
from supervisor.protocol.times import DAY_MS, now_ms
from tests.fakes import ScriptedConnector
from tests.supervisor.wires.http.serving import Served, refusal

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
OF_FILES = {"Content-Type": "application/octet-stream"}


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with Served(tmp_path, connector=ScriptedConnector()) as served:
        yield served


async def put(client: httpx.AsyncClient, content: bytes, name: str = "a.png", upload_id: str = "") -> httpx.Response:
    url = f"/api/uploads/{upload_id or uuid.uuid4()}"
    return await client.put(url, params={"name": name}, content=content, headers=OF_FILES)


async def test_a_file_is_kept_for_its_owner_alone(served: Served) -> None:
    alice, bob = await served.client_of("alice"), await served.client_of("bob")
    upload_id = str(uuid.uuid4())
    taken = await put(alice, PNG, "../../my picture.png", upload_id)
    assert (taken.status_code, taken.json()) == (
        201,
        {"id": upload_id, "name": "my picture.png", "media_type": "image/png", "size": len(PNG)},
    )
    assert (await put(alice, PNG, "my picture.png", upload_id)).json() == taken.json()  # repeated: one file
    found = await served.core.store.uploads.get(upload_id)
    assert found is not None
    path = Path(found.path)
    assert path.read_bytes() == PNG
    assert not path.is_relative_to(served.core.site)
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)

    sent = await alice.get(f"/api/uploads/{upload_id}")
    assert (sent.content, sent.headers["content-type"]) == (PNG, "application/octet-stream")
    assert sent.headers["content-security-policy"].startswith("sandbox")
    for response in (
        await bob.get(f"/api/uploads/{upload_id}"),
        await bob.delete(f"/api/uploads/{upload_id}"),
        await put(bob, PNG, "my picture.png", upload_id),
        await put(alice, PNG + b"more", "my picture.png", upload_id),
        await put(served.service, PNG),
    ):
        assert refusal(response)[:2] == (403, "not_allowed")
    assert (await alice.delete(f"/api/uploads/{upload_id}")).status_code == 204
    assert not path.exists()


async def test_size_type_and_number_are_limited(served: Served) -> None:
    alice = await served.client_of("alice")
    assert refusal(await put(alice, PNG + bytes(10_000_000)))[:2] == (413, "too_large")
    status, code, why = refusal(await put(alice, b"PK\x03\x04\0\0", "a.png"))
    assert (status, code) == (403, "not_allowed")
    assert "application/octet-stream" in why
    as_json = await alice.put(f"/api/uploads/{uuid.uuid4()}", params={"name": "a"}, json={})
    assert refusal(as_json)[:2] == (422, "invalid_message")
    assert refusal(await put(alice, b"x", upload_id="..%2F..%2Fx"))[0] in (404, 422)
    for number in range(Uploads().files):
        assert (await put(alice, b"text", f"{number}.txt")).status_code == 201
    assert refusal(await put(alice, b"text", "one more.txt"))[:2] == (429, "rate_limited")


async def test_a_message_carries_files_of_its_writer_once_and_names_them(served: Served) -> None:
    core = served.core
    alice, bob = core.directory.user("alice"), core.directory.user("bob")
    upload_id = (await put(await served.client_of("alice"), PNG)).json()["id"]
    of_bob = await core.api.chat.open(bob, None)
    with pytest.raises(NotAllowed):
        await core.api.chat.submit(bob, of_bob.session_id, "mine?", attachments=[upload_id])
    chat = SessionId("c1")
    await core.api.chat.open(alice, chat)
    taken = await core.api.chat.submit(alice, chat, "look", attachments=[upload_id])
    stored = await core.store.turns.result(taken.message_id)
    assert stored is not None
    assert stored.turn.text == "look\n\n[attached: a.png]"
    assert [(one.id, one.name, one.media_type) for one in stored.turn.attachments] == [
        (upload_id, "a.png", "image/png")
    ]
    with pytest.raises(NotAllowed):
        await core.api.chat.submit(alice, chat, "again", attachments=[upload_id])
    assert len(await core.api.chat.history(alice, chat)) <= 2  # what was refused is in no history


async def test_the_files_of_a_message_are_in_the_order_in_which_it_names_them(served: Served) -> None:
    client, alice = await served.client_of("alice"), served.core.directory.user("alice")
    chat = SessionId("c1")
    await served.core.api.chat.open(alice, chat)
    made = [(await put(client, PNG, f"{number}.png")).json()["id"] for number in range(5)]
    named = [made[index] for index in (3, 0, 4, 1, 2)]
    taken = await served.core.api.chat.submit(alice, chat, "look", attachments=named)
    stored = await served.core.store.turns.result(taken.message_id)
    assert stored is not None
    assert [one.id for one in stored.turn.attachments] == named


async def test_an_edit_carries_the_files_of_the_message_that_it_replaces(served: Served) -> None:
    core = served.core
    alice, chat = core.directory.user("alice"), SessionId("c1")
    upload_id = (await put(await served.client_of("alice"), PNG)).json()["id"]
    await core.api.chat.open(alice, chat)
    first = await core.api.chat.submit(alice, chat, "look", attachments=[upload_id])
    for words in ("look again", "look again\n\n[attached: a.png]"):
        await core.api.chat.wait(first.message_id)
        edited = await core.api.chat.edit(alice, chat, first.message_id, words)
        stored = await core.store.turns.result(edited.message_id)
        assert stored is not None
        assert stored.turn.text == "look again\n\n[attached: a.png]"
        assert [one.id for one in stored.turn.attachments] == [upload_id]
        first = edited
    with pytest.raises(NotAllowed):
        await core.api.chat.submit(alice, chat, "and once more", attachments=[upload_id])


async def test_what_is_never_sent_old_or_of_a_deleted_chat_is_deleted(served: Served) -> None:
    core = served.core
    alice, client = core.directory.user("alice"), await served.client_of("alice")
    unsent, sent, deleted = [(await put(client, PNG, f"{name}.png")).json()["id"] for name in "abc"]
    for chat, upload_id in (("c1", sent), ("c2", deleted)):
        await core.api.chat.open(alice, SessionId(chat))
        await core.api.chat.submit(alice, SessionId(chat), "look", attachments=[upload_id])

    orphan = core.folder / "uploads" / str(uuid.uuid4())
    orphan.mkdir()

    async def kept(days: float) -> list[str]:
        clock = lambda: now_ms() + round(days * DAY_MS)  # noqa: E731
        keeper = UploadKeeper(core.store.uploads, core.folder, [core.folder / "uploads"], Uploads(), clock)
        await keeper.keep()
        found = [await core.store.uploads.get(one) for one in (unsent, sent, deleted)]
        return [one.name for one in found if one is not None and Path(one.path).exists()]

    assert await kept(0.5) == ["a.png", "b.png", "c.png"]
    await core.api.chat.delete(alice, SessionId("c2"))
    assert await kept(0.5) == ["a.png", "b.png"]
    assert orphan.exists()
    assert await kept(1.1) == ["b.png"]
    assert not orphan.exists()
    assert await kept(31.0) == []


async def test_a_node_deletes_all_its_copies_of_a_file_that_another_one_has_deleted(served: Served) -> None:
    """Copies that it fetched or handed over, and those in state.dir from before the nodes shared a folder."""
    core = served.core
    known, shared = (await put(await served.client_of("alice"), PNG)).json()["id"], core.folder / "shared"
    ids = (known, str(uuid.uuid4()))
    places = (shared, core.folder / "uploads", core.folder / "sessions" / "c1" / "uploads")
    for place, upload_id in product(places, ids):
        (place / upload_id).mkdir(parents=True, exist_ok=True)
        (place / upload_id / "a.png").write_bytes(PNG)
    clock = lambda: now_ms() + UNSENT_MS + 1000  # noqa: E731
    await core.api.chat.open(core.directory.user("alice"), SessionId("c1"))
    await core.api.chat.submit(core.directory.user("alice"), SessionId("c1"), "look", attachments=[known])
    await UploadKeeper(core.store.uploads, core.folder, [shared, core.folder / "uploads"], Uploads(), clock).keep()
    for place in places:
        assert [one.name for one in place.iterdir()] == [known]


async def test_a_file_that_a_restore_left_out_is_gone_and_no_node_is_waited_for(served: Served) -> None:
    client = await served.client_of("alice")
    taken = (await put(client, PNG)).json()
    shutil.rmtree(served.core.folder / "uploads")
    refused = await client.get(f"/api/uploads/{taken['id']}")
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    assert "is gone" in refused.text
    assert "Retry-After" not in refused.headers


async def test_files_are_found_where_the_state_was_restored_in_another_folder(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    async with Served(before, connector=ScriptedConnector()) as served:
        taken = await put(await served.client_of("alice"), PNG)
    before.rename(after)
    async with Served(after, connector=ScriptedConnector()) as served:
        found = await (await served.client_of("alice")).get(f"/api/uploads/{taken.json()['id']}")
        assert found.content == PNG


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"%PDF-1.7", "application/pdf"),
        ("<svg>é</svg>".encode(), "text/plain"),
        (b"\xff\xfe", "application/octet-stream"),
        (b"a\0b", "application/octet-stream"),
    ],
)
def test_the_content_says_what_a_file_is(content: bytes, media_type: str) -> None:
    assert media_type_of(content) == media_type


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a b.png", "a b.png"),
        ("C:\\folder\\a.png", "a.png"),
        ("../../etc/passwd", "passwd"),
        (".bashrc", "bashrc"),
        ("a\n; rm -rf.sh", "a__ rm -rf.sh"),
        ("....", "file"),
        ("x" * 300 + ".png", "x" * 96 + ".png"),
    ],
)
def test_a_name_is_safe_as_a_files_name(name: str, safe: str) -> None:
    assert safe_name(name) == safe
