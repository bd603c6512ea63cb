"""Hands a mail to the submission server, and tells apart what certainly failed from what may have gone out."""

from __future__ import annotations

import logging
from contextlib import suppress

import aiosmtplib

from channels.mail.config import KEY, MailConfig, SmtpConfig
from supervisor.protocol.errors import OutcomeUnknown, PermanentFailure, TemporaryFailure

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 60.0
"""How long the server may take for one answer, in seconds."""

_QUIT_SECONDS = 5.0
_MAX_REPLY = 200


class Submission:
    """Sends mail, one connection each.

    Args:
        password: of `smtp.username`; None where there is no login.
        timeout: for one answer of the server, in seconds.
    """

    def __init__(self, config: MailConfig, password: str | None, timeout: float = TIMEOUT_SECONDS) -> None:
        self._smtp = config.smtp
        self._sender = config.mailbox
        self._domain = config.domain
        self._password = password
        self._timeout = timeout

    async def submit(self, mail: bytes, recipient: str) -> None:
        """Hand in one mail.

        Raises:
            TemporaryFailure: the server was not reached, or said "later".
            PermanentFailure: the server refused the login, the recipient or the mail.
            OutcomeUnknown: the connection was lost after the mail was on its way.
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
        """Do everything that comes before DATA: whatever goes wrong here, nothing was sent."""
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
            raise TemporaryFailure(f"the mail server {self._smtp.host}:{self._smtp.port} was not reached") from error
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError) as error:
            raise TemporaryFailure("the mail server broke off before it got the mail") from error
        except (aiosmtplib.SMTPException, ValueError) as error:
            # No STARTTLS, no AUTH, no way to write the address: nothing that waiting would change.
            raise PermanentFailure(f"the mail server cannot be used: {error}; check {KEY}.smtp") from error
        except OSError as error:
            raise TemporaryFailure(f"the connection to the mail server failed: {error}") from error

    async def _hand_over(self, client: aiosmtplib.SMTP, mail: bytes) -> None:
        try:
            await client.data(mail)
        except aiosmtplib.SMTPResponseException as error:
            raise _refused(error, "the mail server did not take the mail") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise OutcomeUnknown("the mail server broke off after it got the mail") from error


def _client(smtp: SmtpConfig, password: str | None, domain: str, timeout: float) -> aiosmtplib.SMTP:
    return aiosmtplib.SMTP(
        hostname=smtp.host,
        port=smtp.port,
        username=smtp.username or None,
        password=password,
        local_hostname=domain,  # else its own name is looked up in the DNS
        timeout=timeout,
        use_tls=smtp.tls == "implicit",
        start_tls=smtp.tls == "starttls",
    )


def _refused(
    error: aiosmtplib.SMTPResponseException, sentence: str
) -> TemporaryFailure | PermanentFailure | OutcomeUnknown:
    """Return the failure for a reply of the server: 4xx may change, 5xx will not (RFC 5321 section 4.2.1)."""
    reply = " ".join(f"{error.code} {error.message}".split())[:_MAX_REPLY]
    why = f"{sentence} ({reply})"
    if 400 <= error.code < 500:
        return TemporaryFailure(why)
    if 500 <= error.code < 600:
        return PermanentFailure(why)
    return OutcomeUnknown(why)
