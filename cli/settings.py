"""Reads config.toml for a command that needs it; the help of a command does not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cli.imports import imported

if TYPE_CHECKING:
    from supervisor.config import Config


def load(config_file: Path | None) -> Config:
    """Return the configuration: of `--config`, or of the file that is found without it.

    Raises:
        ConfigError: the file does not exist, or is invalid; the error names the key.
    """
    config = imported("supervisor.config")
    settings: Config = config.load(config.find(config_file))
    return settings
