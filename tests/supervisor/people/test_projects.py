"""Who may use which project, and where a path leads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from supervisor.config import ProjectConfig
from supervisor.people.projects import Project, Projects
from supervisor.protocol.errors import ProjectNotAllowed
from supervisor.protocol.messages import ProjectName, SessionId, UserId
from supervisor.protocol.status import Permissions, Role, SessionStatus
from supervisor.store.records.accounts import User
from supervisor.store.records.session import Session

ADA = User(id=UserId("ada"), name="Ada", role=Role.ADMIN)
BOB = User(id=UserId("bob"), name="Bob", role=Role.COORDINATOR, projects=(ProjectName("shop"),))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("site/src", "site/docs", "site/.git/hooks", "site-evil", "shop", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "site" / "README").touch()
    (tmp_path / "site" / "out").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "site" / "deep").symlink_to(tmp_path / "site" / "src")
    (tmp_path / "entry").symlink_to(tmp_path / "site")
    return tmp_path


@pytest.fixture
def projects(root: Path) -> Projects:
    return Projects(
        {
            "site": ProjectConfig(path=str(root / "site"), users=("ada",)),
            "docs": ProjectConfig(
                path=str(root / "site" / "docs"), users=("ada",), permissions=Permissions.FULL, model="m-2"
            ),
            "shop": ProjectConfig(path=str(root / "shop"), users=("carol",), concurrent=True),
        },
        default_model="m-1",
    )


def names(found: list[Project]) -> list[str]:
    return [project.name for project in found]


def test_a_users_projects_are_those_of_both_origins(projects: Projects) -> None:
    assert names(projects.of(ADA)) == ["site", "docs"]
    assert names(projects.of(BOB)) == ["shop"]
    both = User(id=UserId("carol"), name="", role=Role.ADMIN, projects=(ProjectName("site"), ProjectName("gone")))
    assert names(projects.of(both)) == ["site", "shop"]
    assert [projects.origin(both, p) for p in projects.of(both)] == ["database", "config"]


def test_a_role_alone_gives_no_project(projects: Projects) -> None:
    assert projects.of(User(id=UserId("root"), name="", role=Role.ADMIN)) == []


def test_a_project_without_a_model_has_the_default_one(projects: Projects) -> None:
    assert [p.model for p in projects.of(ADA)] == ["m-1", "m-2"]
    assert Projects({"x": ProjectConfig(path="/x")}).of(ADA) == []
    nothing = Projects({"x": ProjectConfig(path="/x")}).get("x")
    assert nothing is not None
    assert nothing.model is None


def test_a_project_is_found_by_name_without_regard_to_case(projects: Projects) -> None:
    assert [project.name for name in ("SITE", "site", "nope") if (project := projects.get(name))] == ["site", "site"]


@pytest.mark.requirement(19)
def test_a_projects_folder_behind_a_symlink_is_resolved(root: Path) -> None:
    (project,) = Projects({"x": ProjectConfig(path=str(root / "entry"), users=("ada",))}).of(ADA)
    assert project.path == os.path.realpath(root / "site")


def test_a_session_is_held_by_its_project_as_long_as_its_folder_lies_there(projects: Projects, root: Path) -> None:
    def holder(name: str, folder: Path) -> str | None:
        session = Session(
            id=SessionId("s1"),
            user_id=ADA.id,
            project=ProjectName(name),
            project_path=str(folder),
            conversation_id="",
            thread="",
            status=SessionStatus.IDLE,
            end_reason="",
            started=True,
            cost_nanos=0,
            message_count=0,
            started_ms=0,
            ended_ms=None,
            activity_ms=0,
        )
        held = projects.holding(session)
        return held.name if held is not None else None

    assert holder("site", root / "site") == "site"
    assert holder("site", root / "site" / "src") == "site"
    assert holder("gone", root / "site") is None
    assert holder("site", root / "elsewhere") is None  # the project's path was changed
    assert holder("site", root / "site" / "out") is None  # a symlink took the folder's place


@pytest.mark.parametrize(
    ("path", "name", "real"),
    [
        ("site", "site", "site"),
        ("site/", "site", "site"),
        ("site/src", "site", "site/src"),
        ("site/src/../src", "site", "site/src"),
        ("site/deep", "site", "site/src"),
        ("entry/src", "site", "site/src"),
        ("site/docs", "docs", "site/docs"),
        ("site/docs/../src", "site", "site/src"),
    ],
)
def test_a_path_belongs_to_the_deepest_project_that_holds_it(
    projects: Projects, root: Path, path: str, name: str, real: str
) -> None:
    project, resolved = projects.at(ADA, f"{root}/{path}")
    assert (project.name, resolved) == (name, os.path.realpath(root / real))


@pytest.mark.parametrize(
    "path",
    [
        "site/..",
        "site/../shop",
        "site/../site-evil",
        "site-evil",
        "site/out",
        "site/out/../elsewhere",
        "site/deep/../../../etc",
        "site/README",
        "site/missing",
        "site/src\0",
        "site/\0/../../shop",
        "site/\ud800",
        "site/.git",
        "site/.git/hooks",
        "shop",
        "",
        "../../../../../../../../etc",
    ],
)
@pytest.mark.requirement(19)
def test_a_path_that_is_no_folder_of_a_project_of_the_user_is_not_allowed(
    projects: Projects, root: Path, path: str
) -> None:
    with pytest.raises(ProjectNotAllowed):
        projects.at(ADA, f"{root}/{path}")


@pytest.mark.parametrize("path", ["", ".", "site", "~", "~/site", "site\0"])
def test_a_path_that_is_not_absolute_is_not_allowed(
    projects: Projects, root: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setenv("HOME", str(root / "site"))
    with pytest.raises(ProjectNotAllowed):
        projects.at(ADA, path)


def test_a_nested_project_of_somebody_else_is_part_of_the_outer_one(root: Path) -> None:
    projects = Projects(
        {
            "site": ProjectConfig(path=str(root / "site"), users=("ada",)),
            "docs": ProjectConfig(path=str(root / "site" / "docs"), users=("bob",)),
        }
    )
    assert projects.at(ADA, f"{root}/site/docs")[0].name == "site"
    with pytest.raises(ProjectNotAllowed):
        projects.at(User(id=UserId("bob"), name="", role=Role.ADMIN), f"{root}/site/src")


def test_the_sentence_names_the_path_that_was_asked_for_and_no_other(projects: Projects, root: Path) -> None:
    with pytest.raises(ProjectNotAllowed) as caught:
        projects.at(ADA, f"{root}/site/out")
    assert str(caught.value) == f"Project not allowed: {root}/site/out"


@given(st.lists(st.sampled_from(["..", ".", "site", "out", "deep", "src", "docs", "shop", "entry", ""]), max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=200)
def test_no_path_leads_out_of_the_users_projects(projects: Projects, root: Path, steps: list[str]) -> None:
    asked = "/".join([str(root), *steps])
    try:
        project, real = projects.at(ADA, asked)
    except ProjectNotAllowed:
        return
    assert real == os.path.realpath(asked)
    assert Path(real).is_relative_to(project.path)
    assert project in projects.of(ADA)
    assert Path(real).is_dir()


def test_a_claude_md_that_is_read_is_protected(tmp_path: Path) -> None:
    tables = {"a": ProjectConfig(path=str(tmp_path), claude_md=True), "b": ProjectConfig(path=str(tmp_path))}
    projects = Projects(tables, protected=("x",))
    a, b = projects.get("a"), projects.get("b")
    assert a is not None
    assert b is not None
    assert (a.claude_md, a.protected) == (True, ("x", "CLAUDE.md"))
    assert (b.claude_md, b.protected) == (False, ("x",))


def test_a_node_has_the_projects_that_name_it_or_none_and_whose_folders_are_there(tmp_path: Path) -> None:
    tables = {
        "all": ProjectConfig(path=str(tmp_path), everywhere=True),
        "by-label": ProjectConfig(path=str(tmp_path), nodes=("gpu",)),
        "other": ProjectConfig(path=str(tmp_path), nodes=("rack-2",)),
        "away": ProjectConfig(path=str(tmp_path / "not-mounted"), everywhere=True),
    }
    assert Projects(tables, node=("rack-1", "gpu")).here() == ["all", "by-label"]
