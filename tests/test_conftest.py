"""conftest.py keeps its promises in a separate test run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent


def test_no_variable_of_the_product_reaches_a_test(tmp_path: Path) -> None:
    ours = ("XSWARM_CONFIG", "TWILIO_AUTH_TOKEN", "ANTHROPIC_API_KEY", "CLAUDECODE", "CLAUDE_CODE_AUTH_TOKEN")
    test = """
import os

def test_environment():
    assert [name for name, value in os.environ.items() if value == "from the shell"] == ["XSWARM_KILLS"]
"""
    closing_line = run_under_our_conftest(tmp_path, test, dict.fromkeys((*ours, "XSWARM_KILLS"), "from the shell"))
    assert closing_line.startswith("1 passed"), closing_line


def test_a_swallowed_refusal_fails_the_test(tmp_path: Path) -> None:
    test = """
import contextlib, socket

def test_calling_home():
    with contextlib.suppress(Exception, AssertionError):
        socket.getaddrinfo("host.example", 443)
"""
    closing_line = run_under_our_conftest(tmp_path, test, {})
    assert closing_line.startswith("1 passed, 1 error"), closing_line


def test_a_property_may_take_its_time(tmp_path: Path) -> None:
    test = """
from hypothesis import HealthCheck, settings

def test_settings():
    assert settings.default.deadline is None
    assert HealthCheck.too_slow in settings.default.suppress_health_check
"""
    closing_line = run_under_our_conftest(tmp_path, test, {})
    assert closing_line.startswith("1 passed"), closing_line


def test_a_test_that_needs_one_day_begins_after_midnight_where_that_is_near(tmp_path: Path) -> None:
    test = """
import conftest
import pytest

times = [86_399_000, 86_399_999, 86_400_001]

@pytest.fixture(scope="module", autouse=True)
def clock():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conftest, "now_ms", lambda: times.pop(0))
        yield

def test_day(one_utc_day):
    assert times == []
"""
    closing_line = run_under_our_conftest(tmp_path, test, {})
    assert closing_line.startswith("1 passed"), closing_line


def run_under_our_conftest(folder: Path, test: str, environment: dict[str, str]) -> str:
    """Run one test module under a copy of conftest.py; return pytest's closing line."""
    (folder / "conftest.py").write_text((TESTS / "conftest.py").read_text())
    (folder / "test_it.py").write_text(test)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)],
        cwd=folder,
        env={**os.environ, **environment, "PYTHONPATH": str(TESTS.parent), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout.splitlines()[-1]
