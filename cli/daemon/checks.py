"""The doctor, and the trial of channels: they import most of the daemon."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from supervisor.doctor import doctor, trial
from supervisor.protocol.ports.checks import Check


def examine(config_file: Path | None, *, offline: bool) -> list[dict[str, Any]]:
    """Return the checks of the doctor, each as {name, status, detail, remedy}."""
    return [asdict(check) for check in asyncio.run(doctor.examine(config_file, offline=offline))]


def try_out(
    config_file: Path, to: Mapping[str, str], *, tell: Callable[[Check], None], ask: Callable[[str], str]
) -> bool:
    """Try channels out, see `supervisor.doctor.trial.try_out`; return whether no step failed.

    Raises:
        XswarmError: the configuration cannot be used, or a secret is not set.
    """
    return asyncio.run(trial.try_out(config_file, to, tell=tell, ask=ask))
