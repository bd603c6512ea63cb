"""File patterns of searches: free inside the project, and nowhere else."""

from __future__ import annotations

import pytest

from tests.supervisor.permissions.verdicts import ASK, EDIT, ask


@pytest.mark.parametrize(
    "pattern",
    [
        "**/*.py",
        "*",
        "src/**",
        "src/../src/*.py",
        "{project}/src/*.py",
        "{project}/**",
        "./*.md",
        "src/{{a,b}}/*.py",
        "app/(auth)/*.tsx",
        "...",
        "src/..hidden/*",
        "@(src|docs)/*",
        "!node_modules/**",
        "deep/*.py",
    ],
)
def test_a_file_pattern_that_stays_in_the_project_is_free(pattern: str, project: str) -> None:
    assert ask("Glob", {"pattern": pattern.format(project=project)}, ASK, project).allowed
    assert ask("Grep", {"pattern": "x", "glob": pattern.format(project=project)}, ASK, project).allowed


@pytest.mark.parametrize(
    "pattern",
    [
        "/etc/*",
        "/*",
        "/",
        "//etc/*",
        "../../**",
        "..",
        "../*",
        "src/../../*",
        "*/../../*",
        "**/../../x",
        "~/*",
        "~root/*",
        "{{/etc,src}}/*",
        "{{src,/etc/*}}",
        "{{..,src}}/*",
        "{{.,x}}./*",
        "{{src,{{..,/etc}}}}/*",
        "@(..|src)/*",
        "?(/etc)/*",
        "\\.\\./*",
        "\\/etc/*",
        "!../*",
        " /etc/*",
        "out/*",
        "{project}-evil/*",
        "{project}/../*",
        "{{a,b}}" * 9,
    ],
)
def test_a_file_pattern_that_is_absolute_or_climbs_out_needs_a_person(pattern: str, project: str) -> None:
    given_pattern = pattern.format(project=project)
    assert not ask("Glob", {"pattern": given_pattern}, EDIT, project).allowed
    assert not ask("Grep", {"pattern": "x", "glob": given_pattern}, EDIT, project).allowed


def test_a_pattern_counts_from_the_path_of_the_search(project: str) -> None:
    assert ask("Glob", {"pattern": "../../*", "path": "src/a"}, ASK, project).allowed
    assert not ask("Glob", {"pattern": "../../../*", "path": "src/a"}, ASK, project).allowed


def test_a_regular_expression_is_no_path(project: str) -> None:
    assert ask("Grep", {"pattern": "/api/../users"}, ASK, project).allowed
