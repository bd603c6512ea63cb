"""The tables of config.toml as frozen dataclasses: every key with its default and its meaning."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from supervisor.protocol.status import Permissions

DEFAULT_KEYWORDS = (
    "project code git build test deploy commit branch status develop debug fix error bug run compile"  # design.md 5
).split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervisor:
    """The socket for services.

    Attributes:
        host: address to listen on; anything but loopback is refused until there is TLS in front (`allowed_origins`).
        port: 0 takes a free one.
        allowed_origins: browser origins that may open the socket; none by default.
        ack_after_seconds: seconds until `message_acknowledged` is sent; 0 = never.
        drain_seconds: seconds that running turns get at shutdown.
    """

    host: str = "127.0.0.1"
    port: int = 9999
    allowed_origins: tuple[str, ...] = ()
    ack_after_seconds: float = 8.0
    drain_seconds: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """The HTTP server: REST and webhooks.

    Attributes:
        port: 0 takes a free one.
        public_url: how the outside reaches it (https://...); what providers sign.
        trusted_proxies: addresses whose forwarded headers are believed.
        query_token_max_seconds: longest lifetime in seconds of a token that may stand in a URL.
    """

    host: str = "127.0.0.1"
    port: int = 8787
    public_url: str = ""
    trusted_proxies: tuple[str, ...] = ()
    query_token_max_seconds: int = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where the daemon keeps what it must not lose.

    Attributes:
        dir: database, generated secrets, transcripts, addresses.json; absolute, or relative to config.toml; empty =
            $XDG_STATE_HOME/xswarm, which is ~/.local/state/xswarm where that is not set.
    """

    dir: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What the daemon says on stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCode:
    """Claude Code sessions.

    Attributes:
        connector: which connector answers: the CLI on this machine, one on another machine, or an echo.
        websocket_url: of the remote Claude Code; never switches the connector by itself.
        max_sessions: sessions that are not disconnected or in error.
        max_sessions_per_user: the same for one user; 0 = no limit of its own.
        max_processes: processes at a time; the least recently used idle one gives way.
        idle_timeout_seconds: seconds without a turn until a session's process is closed; 0 = never.
        track_costs: false keeps the tokens and prices out of the database.
        model: empty = Claude Code's default.
        turn_timeout_seconds: seconds that one turn may take.
        sandbox: "required": shell commands run in a sandbox or not at all; "off": they run as the daemon's user.
        session_memory_mb: megabytes of RAM that one session's processes may take together; 0 = no limit.
        session_processes: processes that one session may have at a time; 0 = no limit.
        auto_continue: true lets a turn that a crash cut off begin again by itself where it had only read.
        checkpoint_seconds: that recording a folder, for undo, may hold a turn up; one that takes longer has none.
        cli_path: another Claude Code binary than the one that the claude-agent-sdk package carries.
    """

    connector: str = "claude_code"
    websocket_url: str = "ws://localhost:8080"
    max_sessions: int = 10
    max_sessions_per_user: int = 0
    max_processes: int = 10
    idle_timeout_seconds: float = 300.0
    track_costs: bool = True
    model: str = ""
    turn_timeout_seconds: float = 1800.0
    sandbox: Literal["required", "off"] = "required"
    session_memory_mb: int = 4096
    session_processes: int = 512
    auto_continue: bool = False
    checkpoint_seconds: float = 20.0
    cli_path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assistant:
    """The default assistant.

    Attributes:
        model: empty = the connector's default.
        system_prompt: empty = the connector's default.
        max_tokens: most tokens of one answer.
        history_tokens: how much of the conversation is sent along, in tokens by estimate; 0 = none of it.
    """

    model: str = ""
    system_prompt: str = ""
    max_tokens: int = 1024
    history_tokens: int = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """Which messages are for Claude Code.

    Attributes:
        keywords: whole words, with their plain inflections.
        followup_seconds: seconds after an answer of Claude Code in which the next SMS belongs to the same conversation.
        default_project: for messages that name none; empty = ask.
        unauthorised: what becomes of a message for Claude Code from a user without the right.
    """

    keywords: tuple[str, ...] = tuple(DEFAULT_KEYWORDS)
    followup_seconds: float = 600.0
    default_project: str = ""
    unauthorised: Literal["assistant", "refuse"] = "assistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one person may send by SMS, mail and chat; service tokens are bounded by `overloaded` alone."""

    messages_per_minute: int = 10
    messages_per_hour: int = 100


RiskName = Literal["outside", "network", "full_shell", "shell", "edit", "protected", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """Questions to people about tool calls.

    Attributes:
        expires_seconds: how long a question is open; no answer is a no.
        hold_seconds: how long a process waits for the answer; after that it is let go where nothing is lost with it,
            and the work goes on in another one.
        high_risk: calls that, asked for by SMS or mail, need a yes by another way or with a passphrase, in `full`
            projects too: "outside" the project, over the "network", a shell in a `full` project ("full_shell"); also
            any "shell", "edit", "protected", "other".
    """

    expires_seconds: float = 900.0
    hold_seconds: float = 120.0
    high_risk: tuple[RiskName, ...] = ("outside", "network", "full_shell")


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What becomes of a message that comes while a turn of its conversation runs.

    Attributes:
        mode: "followup": it waits; "collect": it waits, and goes with others into one prompt; "steer": it is sent into
            that turn; "interrupt": it stops that turn first. A message that begins with `queue:`, `collect:`, `steer:`
            or `interrupt:` says so for itself.
    """

    mode: Literal["followup", "collect", "steer", "interrupt"] = "followup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Words about turns that take long.

    Attributes:
        progress_after_seconds: after which one text says that a turn that came by SMS is still worked on; 0 = never.
        stuck_after_seconds: without any event after which a turn is reported to whoever asked for it; 0 = never.
    """

    progress_after_seconds: float = 0.0
    stuck_after_seconds: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetConfig:
    """Spending limits in US dollars; absent = no limit. `reserve_usd` is set aside before each turn."""

    message_usd: float | None = None
    session_usd: float | None = None
    user_daily_usd: float | None = None
    system_daily_usd: float | None = None
    reserve_usd: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectConfig:
    """A folder that Claude Code may work in.

    Attributes:
        path: absolute, or relative to config.toml; `~` is the home directory.
        users: ids of the users who may use it, besides those given it by `xswarm user add --project`.
        permissions: "ask" before anything that changes something, "edit" files freely, or "full".
        model: empty = `claude_code.model`.
        concurrent: several turns may run in it at the same time.
        approvers: ids of the users who answer questions about tool calls; none = whoever asked for the turn.
        shared: its users share its conversations: each sees them and goes on with them, by their own rights.
    """

    path: str
    users: tuple[str, ...] = ()
    permissions: Permissions = Permissions.ASK
    model: str = ""
    concurrent: bool = False
    approvers: tuple[str, ...] = ()
    shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole of config.toml. `channels` holds each channel's own table, checked by the channel."""

    supervisor: Supervisor = field(default_factory=Supervisor)
    http: Http = field(default_factory=Http)
    state: State = field(default_factory=State)
    log: Log = field(default_factory=Log)
    claude_code: ClaudeCode = field(default_factory=ClaudeCode)
    assistant: Assistant = field(default_factory=Assistant)
    routing: Routing = field(default_factory=Routing)
    limits: Limits = field(default_factory=Limits)
    approvals: Approvals = field(default_factory=Approvals)
    queue: Queue = field(default_factory=Queue)
    progress: Progress = field(default_factory=Progress)
    budgets: BudgetConfig | None = None
    projects: dict[str, ProjectConfig] = field(default_factory=dict)
    channels: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)

    @property
    def state_dir(self) -> Path:
        """Absolute path of state.dir."""
        if self.state.dir:
            return Path(self.state.dir).expanduser().absolute()
        base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
        return Path(base).expanduser().absolute() / "xswarm"
