"""Rules of the code that no linter checks: how long and branched a function is, what one file names alike."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

MAX_LINES = 60
MAX_BRANCHES = 15
MAX_PARAMETERS = 9
"""Of a constructor, besides self."""

MAX_MODULES = 12
"""In one package, besides `__init__.py`."""

Function = ast.FunctionDef | ast.AsyncFunctionDef

_BRANCHES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.IfExp, ast.match_case)

_SCALING = frozenset({"until", "wait_until", "ask", "turn"})
_SETTINGS = frozenset({"ToolEndpoint"})  # a value: nothing waits for it there
_WAITING = frozenset({"timeout", "wait_for", "wait", "join", "result"})


def too_long(module: ast.Module) -> Iterator[str]:
    """Yield a sentence for each function of more than 60 lines; decorators do not count, the docstring does."""
    for name, function in functions(module):
        assert function.end_lineno is not None
        lines = function.end_lineno - function.lineno + 1
        if lines > MAX_LINES:
            yield f"{name}: {lines} lines"


def too_branched(module: ast.Module) -> Iterator[str]:
    """Yield a sentence for each function with more than 15 branches."""
    for name, function in functions(module):
        count = branches(function)
        if count > MAX_BRANCHES:
            yield f"{name}: {count} branches"


def too_many_parameters(module: ast.Module) -> Iterator[str]:
    """Yield a sentence for each constructor with more than 9 parameters besides self."""
    for name, function in functions(module):
        given = function.args
        parameters = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
        if function.name == "__init__" and len(parameters) - 1 > MAX_PARAMETERS:
            yield f"{name}: {len(parameters) - 1} parameters"


def branches(function: Function) -> int:
    """Return how many branches a function has; those of a function inside it count for the inner one only.

    Counted are: if, for, while, except, conditional expression, each further operand of `and` and `or`, each `if` of
    a comprehension, each case of a match.
    """
    return sum(map(_weight, _own_nodes(function)))


def functions(module: ast.Module) -> Iterator[tuple[str, Function]]:
    """Yield each function with its qualified name, such as `Turns.start`."""
    yield from _functions(module, "")


def alike(module: str, tree: ast.Module, classes: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """Yield a sentence for each name that stands for two classes of ours in one file; an alias does not hide it.

    Args:
        module: the dotted name of the file.
        classes: the classes that each module of the product defines, by its dotted name.
    """
    origins: dict[str, set[str]] = defaultdict(set)
    for name in classes.get(module, frozenset()):
        origins[name].add(module)
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            for alias in node.names:
                if alias.name in classes.get(node.module, frozenset()):
                    origins[alias.name].add(node.module)
                elif (whole := f"{node.module}.{alias.name}") in classes:
                    modules[alias.asname or alias.name] = whole
        elif isinstance(node, ast.Import):
            modules |= {alias.asname: alias.name for alias in node.names if alias.asname and alias.name in classes}
    for node in ast.walk(tree) if modules else ():
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            origin = modules[node.value.id]
            if node.attr in classes[origin]:
                origins[node.attr].add(origin)
    for name, found in sorted(origins.items()):
        if len(found) > 1:
            yield f"{module}: {name} of {' and of '.join(sorted(found))}"


def defined_classes(module: ast.Module) -> frozenset[str]:
    """Return the names of the classes at the top level of a module."""
    return frozenset(node.name for node in module.body if isinstance(node, ast.ClassDef))


def fixed_deadlines(module: ast.Module) -> Iterator[str]:
    """Yield a sentence for each timeout of a second or more, in tests, that does not follow the machine's speed.

    A shorter one is there to expire. `tests.waiting` and the readers of the connectors' tests scale what they get.
    """
    numbers = _numbers(module)
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = [
            keyword.value for keyword in node.keywords if keyword.arg == "timeout" and name not in _SCALING | _SETTINGS
        ]
        if name in _WAITING and isinstance(node.func, ast.Attribute):
            given += node.args[-1:]
        for value in given:
            seconds = numbers.get(value.id, 0) if isinstance(value, ast.Name) else _number(value)
            if seconds >= 1:
                yield f"line {value.lineno}: {name} with {seconds} s"


def full_packages(modules: Iterable[Path]) -> Iterator[str]:
    """Yield a sentence for each folder with more than 12 modules."""
    found: dict[Path, int] = defaultdict(int)
    for path in modules:
        found[path.parent] += path.name != "__init__.py"
    for folder, count in sorted(found.items()):
        if count > MAX_MODULES:
            yield f"{folder}: {count} modules"


def _functions(parent: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    for node in ast.iter_child_nodes(parent):
        if isinstance(node, ast.expr):
            continue  # a lambda has no name
        if isinstance(node, Function):
            yield f"{prefix}{node.name}", node
        below = f"{prefix}{node.name}." if isinstance(node, Function | ast.ClassDef) else prefix
        yield from _functions(node, below)


def _numbers(module: ast.Module) -> dict[str, float]:
    """Return the constants of a module that are numbers."""
    return {
        target.id: _number(node.value)
        for node in module.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _number(node: ast.expr) -> float:
    """Return the value of a number; 0 = it is something else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, int | float) else 0


def _own_nodes(parent: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(parent):
        if not isinstance(node, Function | ast.ClassDef):
            yield node
            yield from _own_nodes(node)


def _weight(node: ast.AST) -> int:
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.comprehension):
        return len(node.ifs)
    return isinstance(node, _BRANCHES)
