"""REST: a turn's patch and a file as the turn left it, only for those who may read the session."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes import ScriptedConnector
from tests.supervisor.wires.http.serving import SESSIONS, Served, refusal


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with Served(tmp_path, connector=ScriptedConnector()) as served:
        yield served


async def test_a_file_and_a_patch_are_those_of_the_turn(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = await served.session()
    url = f"{SESSIONS}/{session_id}/changes"
    message_id = (await served.prompt(session_id, "write a.txt new")).json()["message_id"]
    left = (served.core.site / "a.txt").read_bytes()
    await served.prompt(session_id, "write a.txt newer")

    query = {"message_id": message_id, "path": "a.txt"}
    file = await served.service.get(f"{url}/file", params=query)
    assert (file.status_code, file.content) == (200, left)
    assert file.headers["content-disposition"] == "attachment; filename=\"a.txt\"; filename*=UTF-8''a.txt"
    assert file.headers["content-security-policy"].startswith("sandbox")
    assert file.headers["x-content-type-options"] == "nosniff"
    assert file.headers["content-type"] == "application/octet-stream"

    patch = await served.service.get(f"{url}/patch", params={"message_id": message_id})
    assert f'filename="{message_id}.patch"' in patch.headers["content-disposition"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    subprocess.run(["git", "apply", "-"], cwd=elsewhere, input=patch.content, check=True)
    assert (elsewhere / "a.txt").read_bytes() == left

    for path in ("b.txt", "../a.txt", str(served.core.site / "a.txt")):
        assert refusal(await served.service.get(f"{url}/file", params={**query, "path": path}))[:2] == (
            404,
            "not_found",
        )
    bob = await served.client_of("bob")
    for name in ("file", "patch"):
        assert refusal(await bob.get(f"{url}/{name}", params=query))[:2] == (404, "session_not_found")

    monkeypatch.setattr("supervisor.wires.rest.changes.downloads.MAX_DOWNLOAD", 2)
    for name in ("file", "patch"):
        assert refusal(await served.service.get(f"{url}/{name}", params=query))[:2] == (413, "too_large")
