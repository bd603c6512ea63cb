"""Rules for every test: no environment variable of the project, no traffic but to loopback, deadlines of this machine.

The process of pytest is prepared before the first test module is imported.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from supervisor.protocol.times import DAY_MS, now_ms
from supervisor.store.sqlite import opening
from tests.network_guard import NetworkGuard
from tests.ports import free_port
from tests.signals import restore_defaults
from tests.slowness import SETTING, settle
from tests.supervisor.store.template import Template
from tests.waiting import wait_until

OUR_PREFIXES = ("XSWARM_", "TWILIO_", "SMTP_", "ANTHROPIC_", "SUPERVISOR_", "CLAUDE")
TEST_SETTINGS = frozenset({"XSWARM_KILLS", SETTING})

MIDNIGHT_SECONDS = 60.0
"""A test that must end on the UTC day of its beginning does not begin in so many seconds before midnight."""

_guard = NetworkGuard()


def pytest_configure() -> None:
    """Watch the process, give its children default signals, and find out how slow the machine is."""
    restore_defaults()
    os.umask(0o022)  # with 002, every state folder that a test makes would be one that others can write
    try:
        settle()
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    _guard.install()
    _unhurried_properties()


def _unhurried_properties() -> None:
    """Let no property fail because the machine is busy. In CI the rest is as Hypothesis has it there."""
    settings.register_profile("unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("unhurried")


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Print the factor of the deadlines; pytest prints no header where it is told to be quiet."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:  # a worker of pytest-xdist has none
        reporter.write_line(f"deadlines: {os.environ[SETTING]} times those of the machine of reference ({SETTING})")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Import the tests without the garbage collector, and keep them from it: a sixth of the run's time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let the workers of pytest-xdist begin with the files that take long, so that all of them end together."""
    if hasattr(config, "workerinput"):
        items.sort(key=_effort, reverse=True)


def _effort(item: pytest.Item) -> int:
    """Return 2 for a test beside a whole daemon, 1 for one with the real Claude Code, 0 for any other."""
    return 2 if item.get_closest_marker("e2e") else 1 if item.get_closest_marker("cli_process") else 0


@pytest.fixture(autouse=True, scope="session")
def migrated_once() -> Iterator[None]:
    """Make new databases as copies of one that the migrations made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "migrate", Template().migrate)
        yield


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove what the developer's shell sets for the product."""
    for name in os.environ:
        if name.startswith(OUR_PREFIXES) and name not in TEST_SETTINGS:
            monkeypatch.delenv(name)


@pytest.fixture
def unused_tcp_port() -> int:
    """A port where nobody listens, in place of that of pytest-asyncio, which the kernel may lend meanwhile."""
    return free_port()


@pytest.fixture
def one_utc_day() -> None:
    """Let a test begin and end on the same day in UTC, by which money is counted; it may have to wait for midnight."""
    last_ms = DAY_MS - MIDNIGHT_SECONDS * 1000
    wait_until(lambda: now_ms() % DAY_MS < last_ms, "midnight is over", 2 * MIDNIGHT_SECONDS)


@pytest.fixture(autouse=True)
def network_guard() -> Iterator[NetworkGuard]:
    """Fail a test that tried to leave the machine, even where the refusal was swallowed."""
    _guard.clear()
    yield _guard
    attempts = _guard.clear()
    assert not attempts, f"left loopback: {', '.join(attempts)}"
