"""Our five import names are ours: PyPI's `supervisor` and `channels` would overwrite two of them silently."""

from __future__ import annotations

import importlib.metadata
import importlib.util

import pytest

from tests.packaging.project import ROOT, SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_name_is_imported_from_this_project(name: str) -> None:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin == str(ROOT / name / "__init__.py")
    assert list(spec.submodule_search_locations or ()) == [str(ROOT / name)]


@pytest.mark.parametrize("name", SHIPPED)
def test_no_other_distribution_owns_the_name(name: str) -> None:
    owners = importlib.metadata.packages_distributions().get(name, [])
    assert set(owners) <= {"xswarm"}, f"{name} also belongs to {owners}: install xswarm into an environment of its own"
