"""What a program did to files itself is taken back from copies, unless it was changed since."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.ports import free_port
from xswarm_client import monitor
from xswarm_client.files import FileOperationLogger
from xswarm_client.settings import Settings


@pytest.fixture(autouse=True)
def nobody_listens() -> Iterator[None]:
    """Report to nobody: a program works without its monitor."""
    monitor.configure(Settings(url="ws://127.0.0.1:1", http_url=f"http://127.0.0.1:{free_port()}", token="t"))
    yield
    monitor.configure(None)


def files(folder: Path) -> FileOperationLogger:
    """Return the logger of a folder, as a program that starts finds it."""
    return FileOperationLogger(str(folder / "logs"))


def test_each_kind_of_operation_is_taken_back_once(tmp_path: Path) -> None:
    made, changed, gone = tmp_path / "made", tmp_path / "changed", tmp_path / "gone"
    log = files(tmp_path)
    made.write_text("new\r\n", encoding="utf-8", newline="")
    changed.write_text("after", encoding="utf-8")
    changed.chmod(0o755)
    ids = [
        log.log_create(str(made), "new\r\n"),
        log.log_modify(str(changed), "bef\u00f6re\r\n", "after"),
        log.log_delete(str(gone), "was here"),
    ]
    assert [one["id"] for one in files(tmp_path).get_recent_operations(2)] == ids[1:]
    later = files(tmp_path)
    assert [later.rollback(operation_id) for operation_id in ids] == [True, True, True]
    assert not made.exists()
    assert changed.read_bytes() == "bef\u00f6re\r\n".encode()
    assert changed.stat().st_mode & 0o777 == 0o755
    assert gone.read_text(encoding="utf-8") == "was here"
    assert [files(tmp_path).rollback(operation_id) for operation_id in ids] == [False, False, False]


def test_what_was_changed_since_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "made"
    log = files(tmp_path)
    operation_id = log.log_create(str(path), "mine")
    assert not log.rollback(operation_id)  # it was deleted meanwhile
    path.write_text("edited by hand", encoding="utf-8")
    assert not log.rollback(operation_id)
    assert path.read_text(encoding="utf-8") == "edited by hand"
    assert not log.rollback("unknown, and no daemon answers")


def test_all_are_taken_back_newest_first(tmp_path: Path) -> None:
    path = tmp_path / "file"
    log = files(tmp_path)
    log.log_create(str(path), "1")
    log.log_modify(str(path), "1", "2")
    path.write_text("2", encoding="utf-8")
    assert log.rollback_all(since=datetime.now(UTC) + timedelta(hours=1)) == 0
    assert log.rollback_all() == 2
    assert not path.exists()


@pytest.mark.parametrize("broken", ["", "{", '{"a": 1}', '[1, {"no": "id"}]'])
def test_a_broken_list_is_an_empty_one(tmp_path: Path, broken: str) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "operations.json").write_text(broken, encoding="utf-8")
    assert files(tmp_path).operations == []
