"""Tries channels out before a daemon runs: each sets up its provider, sends a message to a person and waits for it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from supervisor import config
from supervisor.plugins import loading as plugins
from supervisor.protocol.errors import ConfigError
from supervisor.protocol.ports.checks import Check, Standing, Trial
from supervisor.runtime.credentials import Credentials


async def try_out(
    config_file: Path, to: Mapping[str, str], *, tell: Callable[[Check], None], ask: Callable[[str], str]
) -> bool:
    """Try channels out; return whether no step failed.

    Args:
        to: by the name of the channel: the address of the person who tries it.
        tell: is told the result of each step.
        ask: asks the person a question; it blocks.

    Raises:
        ConfigError: the configuration cannot be used, or a secret is not set.
    """
    settings = config.load(config_file)
    credentials = Credentials(settings.state_dir, os.environ)

    def secret(name: str) -> str:
        value = credentials.secret(name)
        if value is None:
            raise ConfigError(name, "is not set", f"set {name} or {name}_FILE in the environment")
        return value

    worked = True
    for name, recipient in to.items():
        code = f"{secrets.randbelow(1_000_000):06}"

        def confirmed(code: str = code, recipient: str = recipient) -> bool:
            return ask(f"The code in the message to {recipient}").strip() == code

        trial = Trial(to=recipient, public_url=settings.http.public_url, code=code, secret=secret, confirmed=confirmed)
        steps = plugins.try_channel(name, settings.channels[name], trial)
        if steps is None:
            continue
        async for check in steps:
            tell(check)
            worked = worked and check.status is not Standing.FAILED
    return worked
