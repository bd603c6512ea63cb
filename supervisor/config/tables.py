"""The tables of config.toml as frozen dataclasses: every key with its default and its meaning.

docs/configuration.md and config.toml list the same keys; tests compare the three.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from supervisor.config.audit import Audit
from supervisor.config.auth import Auth
from supervisor.config.cluster import ClusterConfig, NodeConfig
from supervisor.config.mcp import McpConfig
from supervisor.config.store import Storage
from supervisor.protocol.status import PROTECTED, Permissions

DEFAULT_KEYWORDS = (
    "project code git build test deploy commit branch status develop debug fix error bug run compile".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervisor:
    """The WebSocket for services.

    Attributes:
        host: the address to listen on; only loopback is allowed.
        port: 0 = a free port.
        allowed_origins: origins of browser pages that may open the WebSocket.
        ack_after_seconds: seconds until `message_acknowledged` is sent; 0 = never.
        drain_seconds: seconds that running turns have to end at shutdown.
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
        host: the address to listen on; only loopback is allowed.
        port: 0 = a free port.
        public_url: the URL of this server for the outside (https://...); providers sign it.
        trusted_proxies: IP addresses or networks of proxies whose forwarded headers are trusted.
        query_token_max_seconds: the longest lifetime of a token in a URL, in seconds.
    """

    host: str = "127.0.0.1"
    port: int = 8787
    public_url: str = ""
    trusted_proxies: tuple[str, ...] = ()
    query_token_max_seconds: int = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The data of the daemon.

    Attributes:
        dir: the directory of the database, generated secrets, transcripts and addresses.json; absolute, or relative to
            config.toml; empty = $XDG_STATE_HOME/xswarm, or ~/.local/state/xswarm if that variable is not set.
    """

    dir: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The log on stderr.

    Attributes:
        level: the lowest level that is logged.
        format: "text" for people, "json" for programs.
    """

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCode:
    """Claude Code sessions.

    Attributes:
        connector: "claude_code" = the CLI on this machine, "remote" = on another machine, "echo" = for tests.
        websocket_url: the URL of the remote Claude Code; used by the connector "remote" only.
        max_sessions: the most sessions at a time; those with the status `disconnected` or `error` do not count.
        max_sessions_per_user: the most sessions of one user; 0 = no limit per user.
        max_processes: the most processes at a time; the least recently used idle one is evicted for a new one.
        idle_timeout_seconds: seconds without a turn until the process of a session is closed; 0 = never.
        track_costs: False = do not store tokens and costs.
        model: empty = the default of Claude Code.
        turn_timeout_seconds: the longest duration of one turn, in seconds.
        sandbox: "required" = shell commands run only in a sandbox; "off" = they run as the user of the daemon.
        session_memory_mb: the most memory of all processes of one session, in megabytes; 0 = no limit.
        session_processes: the most processes of one session at a time; 0 = no limit.
        auto_continue: True = a turn that a crash interrupted starts again by itself if its tools had only read.
        checkpoint_seconds: seconds that a snapshot for undo may delay a turn; a slower one is given up.
        cli_path: another Claude Code binary; empty = the one of the claude-agent-sdk package.
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
    """The assistant, which answers the messages that are not for Claude Code.

    Attributes:
        model: empty = the connector's default.
        system_prompt: empty = the connector's default.
        max_tokens: the most tokens of one answer.
        history_tokens: how much of the conversation is sent with a message, in estimated tokens; 0 = none.
        max_rounds: the most answers of the model to one message; before each but the last it may call tools.
        tool_timeout_seconds: how long a tool call may take, where its server has no limit of its own.
    """

    model: str = ""
    system_prompt: str = ""
    max_tokens: int = 1024
    history_tokens: int = 8000
    max_rounds: int = 20
    tool_timeout_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """The routing of messages to Claude Code or to the assistant.

    Attributes:
        keywords: whole words that mark a message for Claude Code; simple inflections match too.
        followup_seconds: seconds after an answer of Claude Code in which the next SMS goes to the same conversation.
        default_project: the project of messages that name none; empty = ask the user.
        unauthorised: whether the assistant answers a message for Claude Code of a user without a project, or nobody.
    """

    keywords: tuple[str, ...] = tuple(DEFAULT_KEYWORDS)
    followup_seconds: float = 600.0
    default_project: str = ""
    unauthorised: Literal["assistant", "refuse"] = "assistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Rate limits of one user for SMS, mail and chat. Service tokens have no rate limit; they get `overloaded`."""

    messages_per_minute: int = 10
    messages_per_hour: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploads:
    """Files that people attach to messages of the chat.

    Attributes:
        max_mb: the largest file, in megabytes.
        files: the most files of one person that wait to be sent, and so of one message.
        types: media types that are taken; a file's type is that of its content. "application/octet-stream" = others.
        keep_days: days after which a file that was sent is deleted.
    """

    max_mb: int = 10
    files: int = 10
    types: tuple[str, ...] = (
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "application/pdf",
        "text/plain",
    )
    keep_days: int = 30


RiskName = Literal["outside", "network", "full_shell", "shell", "edit", "protected", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """Approvals: tool calls that a person must allow.

    Attributes:
        expires_seconds: seconds until an approval expires, which counts as denied.
        hold_seconds: seconds that the process waits for the decision. After that it is closed, unless work would be
            lost, and another process continues the turn.
        high_risk: calls whose approval needs a second channel or a passphrase if the message came by SMS or mail:
            "outside" the project, over the "network", a shell in a `full` project ("full_shell"), any "shell", "edit",
            "protected" (configuration of tools), "other". It applies to `full` projects too.
        protected: names of files and folders, "/" between several, that programs of a person run or obey. To change
            them in an `edit` project is asked about. `.git`, `.claude`, `.mcp.json` and what makes a bare git
            repository are always protected.
    """

    expires_seconds: float = 900.0
    hold_seconds: float = 120.0
    high_risk: tuple[RiskName, ...] = ("outside", "network", "full_shell")
    protected: tuple[str, ...] = PROTECTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Messages that arrive during a turn of their conversation.

    Attributes:
        mode: the default mode, see `supervisor.protocol.queue.Mode`. A message that starts with `queue:`,
            `collect:`, `steer:` or `interrupt:` chooses its own.
    """

    mode: Literal["followup", "collect", "steer", "interrupt"] = "followup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Notices about long turns.

    Attributes:
        progress_after_seconds: seconds until the sender of an SMS gets one notice that the turn is running; 0 = never.
        stuck_after_seconds: seconds without any event until the sender gets a notice; 0 = never.
    """

    progress_after_seconds: float = 0.0
    stuck_after_seconds: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetConfig:
    """Spending limits in US dollars; None = no limit. `reserve_usd` is reserved before each turn."""

    message_usd: float | None = None
    session_usd: float | None = None
    user_daily_usd: float | None = None
    system_daily_usd: float | None = None
    reserve_usd: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectConfig:
    """A directory in which Claude Code may work.

    Attributes:
        path: absolute, or relative to config.toml; `~` is the home directory.
        users: ids of users who may use it; `xswarm user add --project` can add more.
        permissions: what Claude Code may do without asking.
        model: empty = `claude_code.model`.
        concurrent: True = several turns may run in it at the same time.
        approvers: ids of the users who decide about approvals; none = the user who sent the message.
        shared: True = its users share its conversations: each can read and continue them, with their own rights.
        claude_md: True = Claude Code gets the content of CLAUDE.md in the project's folder as instructions.
        nodes: names or labels of the nodes that have the folder; none = every node, as far as it is there.
        everywhere: True = the folder is the same volume at the same path on all nodes.
    """

    path: str
    users: tuple[str, ...] = ()
    permissions: Permissions = Permissions.ASK
    model: str = ""
    concurrent: bool = False
    approvers: tuple[str, ...] = ()
    shared: bool = False
    claude_md: bool = False
    nodes: tuple[str, ...] = ()
    everywhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole of config.toml. `channels` holds the tables of the channels, which their plug-ins check."""

    supervisor: Supervisor = field(default_factory=Supervisor)
    http: Http = field(default_factory=Http)
    state: State = field(default_factory=State)
    store: Storage = field(default_factory=Storage)
    node: NodeConfig = field(default_factory=NodeConfig)
    cluster: ClusterConfig = field(default_factory=ClusterConfig)
    log: Log = field(default_factory=Log)
    claude_code: ClaudeCode = field(default_factory=ClaudeCode)
    assistant: Assistant = field(default_factory=Assistant)
    routing: Routing = field(default_factory=Routing)
    limits: Limits = field(default_factory=Limits)
    uploads: Uploads = field(default_factory=Uploads)
    approvals: Approvals = field(default_factory=Approvals)
    queue: Queue = field(default_factory=Queue)
    auth: Auth = field(default_factory=Auth)
    audit: Audit = field(default_factory=Audit)
    progress: Progress = field(default_factory=Progress)
    budgets: BudgetConfig | None = None
    projects: dict[str, ProjectConfig] = field(default_factory=dict)
    mcp: dict[str, McpConfig] = field(default_factory=dict)
    channels: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)

    @property
    def state_dir(self) -> Path:
        """The absolute path of state.dir."""
        if self.state.dir:
            return Path(self.state.dir).expanduser().absolute()
        base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
        return Path(base).expanduser().absolute() / "xswarm"

    @property
    def own_folders(self) -> tuple[Path, ...]:
        """The absolute paths of the daemon's own folders, which no agent may see: `state_dir` first."""
        return (self.state_dir, *((Path(self.cluster.shared_dir),) if self.cluster.shared_dir else ()))

    @property
    def uploads_dir(self) -> Path:
        """The absolute path of the folder in which the files that people attach are kept; all nodes may share it."""
        return self.upload_dirs[0]

    @property
    def upload_dirs(self) -> tuple[Path, ...]:
        """The absolute paths of the folders with such files: where one is shared, older ones lie in `state_dir`."""
        return tuple(folder / "uploads" for folder in reversed(self.own_folders))
