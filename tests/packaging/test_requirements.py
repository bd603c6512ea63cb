"""docs/security.md lists every security requirement with tests that carry its number."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Mapping

from tests.packaging.project import ROOT, parsed, python_files

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")

NUMBERS = range(1, 39)

DEPARTURES = {5, 6, 12, 23}
"""Requirements that hold in another way, which the page tells with its reason."""


def test_every_requirement_is_listed_with_the_tests_that_carry_its_number() -> None:
    listed = {
        int(number): set(re.findall(r"`([\w/]+\.py::\w+)`", tests))
        for number, _, tests in re.findall(r"^\| (\d+) \| (.*) \| (.*) \|$", PAGE, re.MULTILINE)
    }
    assert sorted(listed) == list(NUMBERS)
    assert listed == marked()


def test_the_page_tells_every_departure_with_its_reason_and_no_other() -> None:
    told = re.findall(r"^\| (\d+) \|.*\bDeparture: .*(?:because|as the wire contract|Agents must)", PAGE, re.MULTILINE)
    assert set(map(int, told)) == DEPARTURES
    assert PAGE.count("Departure: ") == len(DEPARTURES)


def marked() -> Mapping[int, set[str]]:
    """Return the tests by the numbers in their `@pytest.mark.requirement(...)`."""
    found: dict[int, set[str]] = defaultdict(set)
    for path in python_files("tests"):
        if ".requirement(" not in (ROOT / path).read_text(encoding="utf-8"):  # to parse every test takes seconds
            continue
        for node in ast.walk(parsed(path)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.requirement":
                    for number in mark.args:
                        assert isinstance(number, ast.Constant)
                        found[int(str(number.value))].add(f"{path.relative_to('tests')}::{node.name}")
    return found
