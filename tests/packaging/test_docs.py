"""The pages for a reader in a hurry stay short, and their links lead somewhere."""

from __future__ import annotations

import re

import pytest

from tests.packaging.project import CLIENT, PACKAGES, ROOT, python_files

PAGES = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "packages/python/README.md",
    "packages/react/README.md",
    "console/README.md",
    *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
]


def test_the_readme_has_at_most_150_lines() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_what_is_unreleased_is_told_in_at_most_60_lines() -> None:
    unreleased = (
        (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").partition("## Unreleased\n")[2].partition("\n## ")[0]
    )
    assert 0 < len(unreleased.splitlines()) <= 60


@pytest.mark.parametrize("page", sorted(PAGES))
def test_every_link_to_a_file_leads_to_one(page: str) -> None:
    path = ROOT / page
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_every_page_that_the_code_names_exists() -> None:
    code = "".join((ROOT / path).read_text(encoding="utf-8") for path in python_files(*PACKAGES, *CLIENT))
    pages = set(re.findall(r"\bdocs/[\w/-]+\.md\b", code))
    assert len(pages) > 3
    assert [page for page in sorted(pages) if not (ROOT / page).is_file()] == []
    assert re.findall(r"\w+\.md sections? \d", code) == [], "headings have no numbers"
