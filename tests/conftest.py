"""What holds for every test: none of the project's environment variables, and no traffic but to loopback."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.network_guard import NetworkGuard

OUR_PREFIXES = ("XSWARM_", "TWILIO_", "SMTP_", "ANTHROPIC_", "SUPERVISOR_", "CLAUDE")
TEST_SETTINGS = frozenset({"XSWARM_KILLS"})

_guard = NetworkGuard()


def pytest_configure() -> None:
    """Watch the process before the first test module is imported."""
    _guard.install()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove what the developer's shell sets for the product."""
    for name in os.environ:
        if name.startswith(OUR_PREFIXES) and name not in TEST_SETTINGS:
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def network_guard() -> Iterator[NetworkGuard]:
    """Fail a test that tried to leave the machine, even where the refusal was swallowed."""
    _guard.clear()
    yield _guard
    attempts = _guard.clear()
    assert not attempts, f"left loopback: {', '.join(attempts)}"
