"""Where the paths of a call lead."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.permissions.paths import edited_places, is_inside, link_targets, reaches
from supervisor.protocol.conversation import ToolCall


def test_the_target_of_every_path_that_goes_through_a_link_is_returned(project: str) -> None:
    (Path(project) / "odd").symlink_to("/no\n\u202esuch")
    assert _targets(project, "out/x") == [f"{project}-evil/x"]
    assert _targets(project, "deep/../y") == [f"{project}/src/a/y"]
    assert _targets(project, "odd") == ["/no\\n\\u202esuch"]
    assert _targets(project, "etc", folder=f"{project}/src") == []
    for path in ("src/x.py", "/etc/passwd", "~/x", "src/\0x", "src/\ud800", 7):
        assert _targets(project, path) == []


def _targets(project: str, path: object, folder: str = "") -> list[str]:
    return link_targets(ToolCall(tool_use_id="t", name="Read", input={"file_path": path}, folder=folder), project)


@pytest.mark.parametrize("path", ["x", "./x/..", "deep/x", "src/../x"])
def test_a_path_lies_inside_a_folder_where_both_readings_of_it_do(path: str, project: str) -> None:
    assert is_inside(path, project)
    assert is_inside(f"{project}/{path}", project)


@pytest.mark.parametrize("path", ["..", "out", "deep/../../secret", "~", " x", "\ufeffx", "x\0", 7, None])
def test_any_other_path_does_not(path: object, project: str) -> None:
    assert not is_inside(path, project)


def test_a_relative_path_starts_in_the_base_folder(project: str) -> None:
    assert is_inside("../x", project, f"{project}/src")
    assert not is_inside("../x", project, project)


@pytest.mark.parametrize(
    ("tool", "path", "reached"),
    [
        ("Read", "src/x", True),
        ("Read", "conf/x", False),
        ("Read", "conf-2/x", True),
        ("Read", "~/x", False),
        ("Read", "~/../x", True),
        ("Read", "x\0", False),
        ("Read", "..", False),
        ("Grep", "..", True),
    ],
)
def test_a_folder_is_reached_by_a_path_in_it_or_a_search_around_it(
    tool: str, path: str, reached: bool, project: str
) -> None:
    call = ToolCall(tool_use_id="t", name=tool, input={"path": path})
    assert reaches(call, project, (f"{project}/conf", ""), project) is reached


def test_a_search_without_a_path_reaches_its_base_folder(project: str) -> None:
    search = ToolCall(tool_use_id="t", name="Grep", input={"pattern": "x"})
    assert reaches(search, project, (), project)
    assert not reaches(search, project, (), f"{Path(project).parent}/proj-evil")


def test_the_places_of_an_edit_are_those_of_every_reading(project: str) -> None:
    for path, found in (("deep/../y", {"y", "src/a/y"}), ("x", {"x"}), ("x\0", set())):
        call = ToolCall(tool_use_id="t", name="Write", input={"file_path": path})
        assert set(edited_places(call, project)) == {f"{project}/{place}" for place in found}
