"""The `[channels.mail]` table of config.toml."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Literal

from supervisor.protocol.errors import ConfigError

KEY = "channels.mail"

MAILBOX = re.compile(
    r"[A-Za-z0-9._%-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(?:\.[A-Za-z0-9-]{1,63})*"
)
"""The form of our own address (RFC 5321 section 4.1.2, simplified). A plus sign is not allowed: see `is_ours`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpConfig:
    """The SMTP server that sends our mail.

    Attributes:
        host: its host name or address.
        port: its TCP port.
        username: the user for the login; the secret `SMTP_PASSWORD` is the password. Empty = no login.
        tls: "starttls" = STARTTLS without fallback (RFC 3207), "implicit" = TLS from the start (RFC 8314), "none" =
            no TLS, for a server on loopback only.
    """

    host: str
    port: int = 587
    username: str = ""
    tls: Literal["starttls", "implicit", "none"] = "starttls"

    def __post_init__(self) -> None:
        if not self.host:
            raise ConfigError(f"{KEY}.smtp.host", "must name the server that sends our mail")
        if not 1 <= self.port <= 65535:
            raise ConfigError(f"{KEY}.smtp.port", "must be between 1 and 65535")
        if self.tls == "none" and not is_loopback(self.host):
            raise ConfigError(
                f"{KEY}.smtp.tls",
                f'"none" would send mail to {self.host} without encryption',
                'use "starttls" or "implicit"',
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class LmtpConfig:
    """The LMTP server to which our mail server delivers: either `host` and `port`, or `path`.

    Attributes:
        host: a loopback address; None = 127.0.0.1.
        port: a TCP port; 0 = a free port; None = 8024.
        path: the path of a unix socket, which is created with mode 0600; None = use `host` and `port`.
    """

    host: str | None = None
    port: int | None = None
    path: str | None = None

    def __post_init__(self) -> None:
        if self.path is not None:
            if self.host is not None or self.port is not None:
                raise ConfigError(f"{KEY}.lmtp", "must have either host and port, or path", "remove one of them")
            if not self.path.startswith("/"):
                raise ConfigError(f"{KEY}.lmtp.path", "must be an absolute path")
            return
        if not is_loopback(self.listen_host):
            raise ConfigError(
                f"{KEY}.lmtp.host",
                f"{self.listen_host} can be reached from outside, and LMTP has no login",
                "use 127.0.0.1, ::1 or a path, with a mail server such as Postfix in front",
            )
        if not 0 <= self.listen_port <= 65535:
            raise ConfigError(f"{KEY}.lmtp.port", "must be between 0 and 65535")

    @property
    def listen_host(self) -> str:
        """The host to bind if there is no path."""
        return self.host if self.host is not None else "127.0.0.1"

    @property
    def listen_port(self) -> int:
        """The port to bind if there is no path."""
        return self.port if self.port is not None else 8024


@dataclass(frozen=True, slots=True, kw_only=True)
class MailConfig:
    """The mail channel.

    Attributes:
        address: our address; `local+anything@domain` reaches it too (RFC 5233).
        trusted_authserv_id: the authserv-id that our mail server writes into Authentication-Results. Our server must
            remove such headers with this id from incoming mail (RFC 8601 section 5).
        smtp: the server that sends our mail.
        lmtp: the server that receives it.
        aliases: further addresses of the same mailbox.
        max_age_hours: how old a mail may be that runs by itself, in hours; an older one is asked about.
        max_message_bytes: the largest mail that is accepted, in bytes.
        name: the display name beside our address.
    """

    address: str
    trusted_authserv_id: str
    smtp: SmtpConfig
    lmtp: LmtpConfig = field(default_factory=LmtpConfig)
    aliases: tuple[str, ...] = ()
    max_age_hours: float = 48.0
    max_message_bytes: int = 26_214_400
    name: str = "xswarm"

    def __post_init__(self) -> None:
        for key, address in (("address", self.address), *(("aliases", alias) for alias in self.aliases)):
            if not MAILBOX.fullmatch(address):
                raise ConfigError(
                    f"{KEY}.{key}", f"must be a plain mail address such as bot@example.org, not {address!r}"
                )
        if not self.trusted_authserv_id or re.search(r"[\s;()\"]", self.trusted_authserv_id):
            raise ConfigError(
                f"{KEY}.trusted_authserv_id",
                "must be one word: the name that our mail server writes into Authentication-Results",
            )
        if not 1 <= self.max_age_hours <= 720:
            raise ConfigError(f"{KEY}.max_age_hours", "must be between 1 and 720")
        if self.max_message_bytes < 1024:
            raise ConfigError(f"{KEY}.max_message_bytes", "must be at least 1024")
        if not self.name.isprintable():
            raise ConfigError(f"{KEY}.name", "must be one line of printable text")

    @property
    def mailbox(self) -> str:
        """Our address in lower case: the account of this channel."""
        return self.address.lower()

    @property
    def domain(self) -> str:
        """The domain of our address, lower case."""
        return self.mailbox.rpartition("@")[2]

    def is_ours(self, address: str) -> bool:
        """Return whether an address reaches our mailbox; addresses with `+detail` do (RFC 5233)."""
        local, _, domain = address.lower().rpartition("@")
        plain = f"{local.partition('+')[0]}@{domain}"
        return plain == self.mailbox or any(plain == alias.lower() for alias in self.aliases)


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is certainly on this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
