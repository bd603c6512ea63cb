"""The search: the best solution, none, or no answer in time."""

from __future__ import annotations

import pytest

from examples.residency.planning.solver import cp_model, is_installed, search

pytestmark = pytest.mark.skipif(not is_installed(), reason="OR-Tools is not installed: make solver")


def test_the_best_solution_is_found() -> None:
    model = cp_model().CpModel()
    one, other = model.new_bool_var("one"), model.new_bool_var("other")
    model.add_at_most_one(one, other)
    model.maximize(one + 2 * other)
    solution = search(model)
    assert solution is not None
    assert (solution.is_true(one), solution.is_true(other), solution.is_best) == (False, True, True)


def test_a_model_that_contradicts_itself_has_none() -> None:
    model = cp_model().CpModel()
    one = model.new_bool_var("one")
    model.add(one == 1)
    model.add(one == 0)
    assert search(model) is None


def test_a_search_without_time_says_so() -> None:
    model = cp_model().CpModel()
    numbers = [model.new_int_var(0, 10_000, str(index)) for index in range(40)]
    model.add_all_different(numbers)
    model.add(sum(index * number * (-1) ** index for index, number in enumerate(numbers)) == 123_457)
    with pytest.raises(TimeoutError):
        search(model, work=0.0)
