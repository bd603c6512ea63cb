"""The `[channels.sms]` table of config.toml."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from supervisor.protocol.errors import ConfigError

_ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")
_SERVICE_SID = re.compile(r"MG[0-9a-fA-F]{32}")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsConfig:
    """The SMS channel: the Twilio account and its limits.

    Attributes:
        account_sid: the account, `AC` and 32 hex digits; its token is the secret TWILIO_AUTH_TOKEN.
        from_number: our number, e.g. `+15551234567`, or a short code; it may be empty if a messaging service sends.
            Messages whose webhook did not arrive are looked up by this number, or else by the messaging service.
        messaging_service_sid: the messaging service that sends, `MG` and 32 hex digits; empty = `from_number` sends.
        max_segments: the most segments of one reply, 1 to 10; the user gets the rest with MORE.
        api_url: scheme and host instead of https://api.twilio.com, for a local stand-in; http on loopback only.
        reconcile_after_seconds: seconds until a message that Twilio does not list counts as not sent.
        catch_up_seconds: seconds between two checks of Twilio's list for messages whose webhook did not arrive.

    Raises:
        ConfigError: a value is invalid.
    """

    account_sid: str
    from_number: str = ""
    messaging_service_sid: str = ""
    max_segments: int = 4
    api_url: str = ""
    reconcile_after_seconds: float = 30.0
    catch_up_seconds: float = 180.0

    def __post_init__(self) -> None:
        if not _ACCOUNT_SID.fullmatch(self.account_sid):
            raise _unusable("account_sid", "must be AC and 32 hex digits", "copy it from the Twilio console")
        if not (self.from_number or self.messaging_service_sid):
            raise _unusable(
                "from_number",
                "must be set if messaging_service_sid is empty",
                "set the Twilio number that people text to, as +15551234567",
            )
        if self.from_number and not _NUMBER.fullmatch(self.from_number):
            raise _unusable("from_number", "must be a number as +15551234567, or a short code")
        if self.messaging_service_sid and not _SERVICE_SID.fullmatch(self.messaging_service_sid):
            raise _unusable("messaging_service_sid", "must be MG and 32 hex digits", "copy it from the Twilio console")
        if not 1 <= self.max_segments <= 10:
            raise _unusable("max_segments", "must be 1 to 10")
        if not 0 < self.reconcile_after_seconds <= 3600:
            raise _unusable("reconcile_after_seconds", "must be more than 0 and at most 3600")
        if not 0 < self.catch_up_seconds <= 3600:
            raise _unusable("catch_up_seconds", "must be more than 0 and at most 3600")
        if self.api_url and not _is_safe_origin(self.api_url):
            raise _unusable(
                "api_url", "must be https://HOST or, on loopback, http://HOST:PORT, without a path", "leave it out"
            )


def _unusable(key: str, problem: str, remedy: str = "") -> ConfigError:
    return ConfigError(f"channels.sms.{key}", problem, remedy)


def _is_safe_origin(url: str) -> bool:
    """Return whether the account's token may be sent to this URL: https, or http on loopback."""
    try:
        parts = urlsplit(url)
        bare = parts.netloc and not (parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)
        host, _ = parts.hostname or "", parts.port  # reading an invalid port raises ValueError
    except ValueError:
        return False
    return bool(bare) and (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name
        return False
