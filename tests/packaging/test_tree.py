"""The tree of the product: short functions and constructors, small packages, no two classes of one name in a file."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.packaging import tree_rules
from tests.packaging.project import CLIENT, EXAMPLES, SHIPPED, parsed, python_files

Rule = Callable[[ast.Module], Iterator[str]]

RULES: Sequence[Rule] = (tree_rules.too_long, tree_rules.too_branched, tree_rules.too_many_parameters)

EXCEPTIONS: Mapping[str, str] = {}
"""Breaches that stay, by the part of their report before the colon, and the reason of each."""


@pytest.fixture(scope="module")
def modules() -> dict[Path, ast.Module]:
    """Every module of the product and of the examples, parsed."""
    return {path: parsed(path) for path in python_files(*SHIPPED, *EXAMPLES, *CLIENT)}


@pytest.fixture(scope="module")
def breaches(modules: dict[Path, ast.Module]) -> list[str]:
    """What every rule reports of the product."""
    of_functions = (breach for rule in RULES for breach in breaches_of(rule, modules))
    return [*of_functions, *names_alike(modules), *tree_rules.full_packages(modules)]


def test_functions_names_and_packages_keep_the_rules(breaches: list[str]) -> None:
    assert_none(breaches)


def test_no_deadline_of_a_test_is_the_same_on_every_machine() -> None:
    assert_none(breaches_of(tree_rules.fixed_deadlines, {path: parsed(path) for path in python_files("tests")}))


def test_every_exception_is_still_a_breach(breaches: list[str]) -> None:
    assert sorted(EXCEPTIONS.keys() - {place(breach) for breach in breaches}) == []


def breaches_of(rule: Rule, modules: Mapping[Path, ast.Module]) -> Iterator[str]:
    """Yield what a rule reports, with the path of the module in front."""
    for path, module in modules.items():
        for breach in rule(module):
            yield f"{path} {breach}"


def names_alike(modules: Mapping[Path, ast.Module]) -> Iterator[str]:
    """Yield each name that stands for two classes in one file."""
    classes = {dotted(path): tree_rules.defined_classes(module) for path, module in modules.items()}
    for path, module in modules.items():
        yield from tree_rules.alike(dotted(path), module, classes)


def assert_none(breaches: Iterable[str]) -> None:
    """Fail with every breach that is no exception."""
    assert [breach for breach in breaches if place(breach) not in EXCEPTIONS] == []


def place(breach: str) -> str:
    """Return the part of a report that `EXCEPTIONS` names."""
    return breach.partition(": ")[0]


def dotted(path: Path) -> str:
    """Return the name by which a module is imported."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_a_function_of_61_lines_is_reported() -> None:
    fits = "def fits():\n" + "    x = 1\n" * 59
    long = "class A:\n    async def long(self):\n" + "        x = 1\n" * 60
    assert list(tree_rules.too_long(ast.parse(fits + long))) == ["A.long: 61 lines"]


EVERY_BRANCH = """
def outer(x):
    if x:                                   # 1
        pass
    elif x > 1:                             # 2
        pass
    for _ in x:                             # 3
        while x:                            # 4
            pass
    try:
        pass
    except ValueError:                      # 5
        pass
    except OSError:                         # 6
        pass
    y = 1 if x else 2                       # 7
    z = x and y or x and not y              # 8, 9, 10
    w = [a for a in x if a if a > 1]        # 11, 12
    match x:
        case 1:                             # 13
            pass
        case _:                             # 14
            pass
    return lambda: x or y                   # 15
"""
SIXTEENTH = """    if x:
        pass
"""
INNER = """    def inner(y):
        if y:
            pass
"""


def test_the_sixteenth_branch_is_reported_and_a_function_inside_counts_for_itself() -> None:
    at_the_limit = EVERY_BRANCH.replace("    return", INNER + "    return")
    assert list(tree_rules.too_branched(ast.parse(at_the_limit))) == []
    beyond = EVERY_BRANCH.replace("    return", SIXTEENTH + "    return")
    assert list(tree_rules.too_branched(ast.parse(beyond))) == ["outer: 16 branches"]


def test_the_tenth_parameter_of_a_constructor_is_reported() -> None:
    nine = "class A:\n    def __init__(self, a, b, c, d, e, *, f, g, h, i): ...\n"
    ten = "class B:\n    def __init__(self, a, b, c, d, e, *f, g, h, i, **j): ...\n"
    plain = "def send(a, b, c, d, e, f, g, h, i, j, k): ...\n"
    assert list(tree_rules.too_many_parameters(ast.parse(nine + ten + plain))) == ["B.__init__: 10 parameters"]


def test_the_thirteenth_module_is_reported() -> None:
    twelve = [Path(f"a/m{number}.py") for number in range(12)]
    inits = [Path("a/__init__.py"), Path("a/b/__init__.py")]
    below = [Path(f"a/b/m{number}.py") for number in range(13)]
    assert list(tree_rules.full_packages([*twelve, *inits, *below])) == ["a/b: 13 modules"]


@pytest.mark.parametrize(
    "code",
    [
        "from a import Turn\nfrom b import Turn as Other",
        "from a import Turn\n\nclass Turn: ...",
        "from p import c as records\nfrom a import Turn\n\ndef f(x: records.Turn): ...",
        "import p.c as records\nfrom a import Turn\nx = records.Turn()",
    ],
)
def test_two_classes_of_one_name_are_reported(code: str) -> None:
    turn = frozenset({"Turn"})
    module = ast.parse(code)
    known = {"a": turn, "b": turn, "p.c": turn, "here": tree_rules.defined_classes(module)}
    (breach,) = tree_rules.alike("here", module, known)
    assert breach.startswith("here: Turn of a and of ")


def test_one_class_by_two_ways_and_other_names_are_no_breach() -> None:
    module = ast.parse("from a import Turn\nfrom a import Turn as T\nfrom b import Lane\nimport c as x\nx.Lane")
    known = {"a": frozenset({"Turn"}), "b": frozenset({"Lane"}), "c": frozenset({"Turn"})}
    assert list(tree_rules.alike("here", module, known)) == []


def test_a_deadline_that_is_not_scaled_is_reported() -> None:
    fixed = """
PATIENCE = 7
async with asyncio.timeout(5), connect(url, timeout=scaled(2)): pass
await asyncio.wait_for(task, 8.0)
process.communicate(timeout=20)
thread.join(10)
asyncio.timeout(PATIENCE)
"""
    scaled = """
PATIENCE = 7; SHORT = 0.1; asyncio.timeout(scaled(PATIENCE)); asyncio.timeout(SHORT)
asyncio.timeout(scaled(5)); asyncio.timeout(0.01); until(fact, "words", timeout=60); ", ".join(words); wait(5)
"""
    assert sorted(tree_rules.fixed_deadlines(ast.parse(fixed))) == [
        "line 3: timeout with 5 s",
        "line 4: wait_for with 8.0 s",
        "line 5: communicate with 20 s",
        "line 6: join with 10 s",
        "line 7: timeout with 7 s",
    ]
    assert list(tree_rules.fixed_deadlines(ast.parse(scaled))) == []
