"""A file that was attached at another node is fetched once, whole, and only under its own name."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from supervisor.cluster import files
from supervisor.cluster.files import Files
from supervisor.cluster.link.acts import Acts
from supervisor.cluster.link.errors import FileAway, FileGone, NodeUnreachable
from supervisor.protocol.conversation import Attachment
from tests.supervisor.turn_records import turn

AN_ID = "0198a5f0-0000-7000-8000-000000000001"
CONTENT = bytes(range(256)) * 100


class Nodes:
    """The acts of some nodes, asked as over a link.

    Attributes:
        acts: of each node that can be asked.
        asked: the nodes that were asked, each time.
    """

    def __init__(self) -> None:
        self.acts: dict[str, Acts] = {}
        self.asked: list[str] = []

    def of(self, name: str) -> Seen:
        """Return the others as a node sees them."""
        return Seen(name, self)


class Seen:
    """The other nodes, as one of them sees them."""

    def __init__(self, own: str, nodes: Nodes) -> None:
        self._own = own
        self._nodes = nodes
        self._acts = nodes.acts[own] = Acts()

    @property
    def is_alone(self) -> bool:
        return not self.linked()

    def linked(self) -> Sequence[str]:
        return [name for name in self._nodes.acts if name != self._own]

    def offer(self, name: str, method: Callable[..., Awaitable[Any]]) -> None:
        self._acts.add(name, method)

    async def ask(self, node: str, name: str, **given: Any) -> Any:
        self._nodes.asked.append(node)
        if node == "silent":
            raise NodeUnreachable(node)
        answer = await self._nodes.acts[node].carry_out(name, self._acts.pack(name, given))
        return self._acts.unpack(name, answer)


def taken(folder: Path, content: bytes = CONTENT) -> Attachment:
    """Return a file that a node has taken."""
    upload_id = str(uuid4())
    path = folder / upload_id / "a.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return Attachment(id=upload_id, name="a.png", media_type="image/png", size=len(content), path=str(path))


async def test_a_file_is_fetched_in_parts_from_the_node_that_has_it_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PART_BYTES", 10_000)
    nodes = Nodes()
    here = Files([tmp_path / "here"], nodes.of("here"))
    Files([tmp_path / "empty"], nodes.of("empty"))
    nodes.of("silent")
    Files([tmp_path / "there"], nodes.of("there"))
    one = taken(tmp_path / "there")
    other = replace(one, path=f"/another/machine/{one.id}/a.png")
    asked = turn(attachments=(other,), gathered=(turn(attachments=(other,)),))
    first, second = await asyncio.gather(here.brought(asked), here.brought(asked))
    (found,) = first.attachments
    assert found == first.gathered[0].attachments[0] == second.attachments[0]
    assert Path(found.path) == tmp_path / "here" / one.id / "a.png"
    assert Path(found.path).read_bytes() == CONTENT
    assert Path(found.path).stat().st_mode & 0o077 == 0
    assert nodes.asked == ["empty", "silent", *["there"] * 3]


async def test_a_file_that_lies_here_is_not_asked_for(tmp_path: Path) -> None:
    nodes = Nodes()
    here = Files([tmp_path], nodes.of("here"))
    nodes.of("silent")
    one = taken(tmp_path)
    for where in (one, replace(one, path="/where/the/state/was/before")):
        assert (await here.brought(turn(attachments=(where,)))).attachments == [one]
    assert await here.brought(turn()) == turn()
    assert nodes.asked == []


async def test_a_file_that_no_node_has_stays_named_and_its_reader_is_told(tmp_path: Path) -> None:
    nodes = Nodes()
    here = Files([tmp_path / "here"], nodes.of("here"))
    Files([tmp_path / "there"], nodes.of("there"))
    away = replace(taken(tmp_path / "gone"), path="/another/machine/a.png")
    assert (await here.brought(turn(attachments=(away,)))).attachments == [away]
    with pytest.raises(FileAway, match=r"The node with the file a\.png cannot be reached") as refused:
        await here.local(away)
    assert "cluster.shared_dir" in refused.value.remedy
    assert not (tmp_path / "here").exists()


async def test_a_file_from_before_the_nodes_shared_a_folder_is_found_and_given_to_others(tmp_path: Path) -> None:
    nodes = Nodes()
    here = Files([tmp_path / "shared", tmp_path / "state"], nodes.of("here"))
    there = Files([tmp_path / "not shared"], nodes.of("there"))
    one = taken(tmp_path / "state")
    moved = replace(one, path=f"/where/the/state/was/before/{one.id}/a.png")
    assert await here.local(moved) == Path(one.path)
    assert (await there.local(moved)).read_bytes() == CONTENT


async def test_a_file_that_is_not_here_is_gone_where_there_is_no_other_node(tmp_path: Path) -> None:
    here = Files([tmp_path / "here"], Nodes().of("here"))
    lost = replace(taken(tmp_path / "gone"), path="/before/the/restore/a.png")
    assert (await here.brought(turn(attachments=(lost,)))).attachments == [lost]
    with pytest.raises(FileGone, match=r"^The file a\.png is gone$") as refused:
        await here.local(lost)
    assert (refused.value.code, refused.value.retry_after) == ("not_found", None)


@pytest.mark.parametrize(("upload_id", "name"), [("../../etc/passwd", "a"), (AN_ID, "../../secret"), ("", "a")])
async def test_nothing_but_attached_files_is_given_to_another_node(tmp_path: Path, upload_id: str, name: str) -> None:
    there = Files([tmp_path / "there"], Nodes().of("there"))
    (tmp_path / "secret").write_text("x")
    with pytest.raises(FileAway):
        await there.part(upload_id, name, 0)
