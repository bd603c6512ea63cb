"""Large modules are imported without the garbage collector, which is on again afterwards."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import pytest

from cli.imports import imported

NOTES = "import gc\nWAS_ON = gc.isenabled()\n"


@pytest.fixture(autouse=True)
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules are found in a folder of the test."""
    monkeypatch.syspath_prepend(tmp_path)


def test_the_collector_is_off_for_the_import_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_large_module.py").write_text(NOTES)
    module = imported("a_large_module")
    monkeypatch.delitem(sys.modules, "a_large_module")
    assert not module.WAS_ON
    assert gc.isenabled()


def test_it_is_on_again_where_an_import_fails(tmp_path: Path) -> None:
    (tmp_path / "a_broken_module.py").write_text("raise RuntimeError('broken')\n")
    with pytest.raises(RuntimeError, match="broken"):
        imported("a_broken_module")
    assert gc.isenabled()


def test_it_stays_off_for_a_caller_that_wants_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "another_module.py").write_text(NOTES)
    gc.disable()
    try:
        imported("another_module")
        assert not gc.isenabled()
    finally:
        gc.enable()
    monkeypatch.delitem(sys.modules, "another_module")


def test_what_is_there_already_is_not_kept_from_the_collector_again() -> None:
    before = gc.get_freeze_count()
    assert imported("cli.main") is sys.modules["cli.main"]
    assert gc.get_freeze_count() <= before
