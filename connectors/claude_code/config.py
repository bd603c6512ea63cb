"""The settings of this connector in config.toml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCodeConfig:
    """The keys of `[claude_code]` that this connector reads.

    Attributes:
        model: None for Claude Code's default.
        turn_timeout_seconds: seconds that a turn may take, without the time that a person takes to decide.
        sandbox: "required" runs shell commands in Claude Code's sandbox, and offers no shell where the sandbox fails.
        session_memory_mb: megabytes of RAM that the processes of a session may take together; 0 = no limit.
        session_processes: processes that a session may have at the same time; 0 = no limit.
        cli_path: the CLI; None for the one that claude-agent-sdk contains.
    """

    model: str | None = None
    turn_timeout_seconds: float = 1800.0
    sandbox: Literal["required", "off"] = "required"
    session_memory_mb: int = 4096
    session_processes: int = 512
    cli_path: str | None = None
