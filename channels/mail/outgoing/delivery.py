"""Sends a mail to the SMTP server (RFC 5321, RFC 6409), and tells failed sends from sends of unknown outcome."""

from __future__ import annotations

import logging
import ssl
from contextlib import suppress

import aiosmtplib

from channels.mail.config import KEY, MailConfig, SmtpConfig
from supervisor.protocol.errors import OutcomeUnknown, PermanentFailure, TemporaryFailure
from supervisor.protocol.ports.channel import Unreachable

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 60.0
"""The longest wait for one reply of the server."""

_QUIT_SECONDS = 5.0
_MAX_REPLY = 200  # characters of a reply that are quoted


class Submission:
    """Sends mail with one connection per mail.

    Args:
        password: the password of `smtp.username`; None = no login.
        timeout: the longest wait for one reply of the server, in seconds.
    """

    def __init__(self, config: MailConfig, password: str | None, timeout: float = TIMEOUT_SECONDS) -> None:
        self._smtp = config.smtp
        self._sender = config.mailbox
        self._domain = config.domain
        self._password = password
        self._timeout = timeout

    async def submit(self, mail: bytes, recipient: str) -> None:
        """Send one mail.

        Raises:
            Unreachable: the server was not reached.
            TemporaryFailure: its certificate is not accepted, or it replied with 4xx.
            PermanentFailure: the server refused the login, the recipient or the mail.
            OutcomeUnknown: the connection was lost after DATA.
        """
        client = _client(self._smtp, self._password, self._domain, self._timeout)
        try:
            await self._open_and_address(client, recipient, len(mail))
            await self._hand_over(client, mail)
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=_QUIT_SECONDS)
        finally:
            client.close()

    async def _open_and_address(self, client: aiosmtplib.SMTP, recipient: str, size: int) -> None:
        """Do all steps before DATA. If one of them fails, nothing was sent."""
        try:
            await client.connect()
            await client.ehlo()
            options = [f"SIZE={size}"] if client.supports_extension("size") else []
            await client.mail(self._sender, options=options)
            await client.rcpt(recipient)
        except aiosmtplib.SMTPAuthenticationError as error:
            raise _refused(
                error, f"the mail server refused the login: check {KEY}.smtp.username and SMTP_PASSWORD"
            ) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _refused(error, "the mail server refused") from error
        except aiosmtplib.SMTPConnectError as error:
            if isinstance(error.__cause__, ssl.SSLError):
                raise _no_tls(error.__cause__) from error
            raise Unreachable(f"the mail server {self._smtp.host}:{self._smtp.port} was not reached") from error
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError) as error:
            raise Unreachable("the mail server closed the connection before it got the mail") from error
        except ssl.SSLError as error:  # before ValueError, of which a certificate that is not trusted is a kind
            raise _no_tls(error) from error
        except (aiosmtplib.SMTPException, ValueError) as error:
            # No STARTTLS, no AUTH, or an address that the server cannot take: a retry does not help.
            raise PermanentFailure(f"the mail server cannot be used: {error}; check {KEY}.smtp") from error
        except OSError as error:
            raise Unreachable(f"the connection to the mail server failed: {error}") from error

    async def _hand_over(self, client: aiosmtplib.SMTP, mail: bytes) -> None:
        try:
            await client.data(mail)
        except aiosmtplib.SMTPResponseException as error:
            raise _refused(error, "the mail server did not accept the mail") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise OutcomeUnknown("the mail server closed the connection after it got the mail") from error


def _client(smtp: SmtpConfig, password: str | None, domain: str, timeout: float) -> aiosmtplib.SMTP:
    return aiosmtplib.SMTP(
        hostname=smtp.host,
        port=smtp.port,
        username=smtp.username or None,
        password=password,
        local_hostname=domain,  # otherwise the client looks its own name up in the DNS
        timeout=timeout,
        use_tls=smtp.tls == "implicit",
        start_tls=smtp.tls == "starttls",
    )


def _no_tls(error: ssl.SSLError) -> TemporaryFailure:
    """Return the failure for a certificate that is not accepted: the server's operator can renew it at any time."""
    why = getattr(error, "verify_message", "") or error.reason or "no TLS"
    return TemporaryFailure(f"TLS with the mail server failed, check its certificate and {KEY}.smtp: {why}")


def _refused(
    error: aiosmtplib.SMTPResponseException, sentence: str
) -> TemporaryFailure | PermanentFailure | OutcomeUnknown:
    """Return the failure for a reply: 4xx is temporary, 5xx is permanent (RFC 5321 section 4.2.1)."""
    reply = " ".join(f"{error.code} {error.message}".split())[:_MAX_REPLY]
    why = f"{sentence} ({reply})"
    if 400 <= error.code < 500:
        return TemporaryFailure(why)
    if 500 <= error.code < 600:
        return PermanentFailure(why)
    return OutcomeUnknown(why)
