"""Whether a webhook comes from Twilio: HMAC-SHA1 over the public URL and the sorted form, in X-Twilio-Signature.

Written out instead of calling twilio's RequestValidator, which takes ten times as long, compares in variable time,
mangles a URL with credentials, and raises on a missing header or an unusual body. Its verdicts on well-formed requests
are the reference that the tests compare with.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from urllib.parse import SplitResult, parse_qsl, urlsplit

from supervisor.protocol.ports import WebRequest

FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 500
"""More than Twilio sends by an order of magnitude, and what bounds the parsing of a forged body."""


class Signatures:
    """Checks the signatures of webhooks.

    Args:
        tokens: the account's auth tokens that count: two while one replaces the other.
        public_url: what the caller's URL begins with, as Twilio knows it.

    Raises:
        ValueError: `public_url` is no http or https URL.
    """

    def __init__(self, tokens: Sequence[str], public_url: str) -> None:
        parts = urlsplit(public_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("not a plain http or https URL")
        self._keys = [token.encode() for token in tokens]
        self._public_url = public_url
        self._beginnings = [public_url, _other_port(parts)]

    def genuine_form(self, request: WebRequest) -> Mapping[str, str] | None:
        """Return the fields of a form that Twilio has signed, or None for anything else. Never raises.

        Every field that came is signed, also blank ones and those of later years. Where a name occurs twice, which
        Twilio does not do, the last value is returned. JSON, which Twilio signs by a hash in the query, is not taken:
        text messages never come as JSON.
        """
        given = request.headers.get("x-twilio-signature", "")
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if not given or content_type != FORM or not request.url.startswith(self._public_url):
            return None
        try:
            fields = parse_qsl(
                request.body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
            )
            rest = request.url[len(self._public_url) :] + "".join(name + value for name, value in sorted(set(fields)))
            signature = given.encode("ascii")
            signed = [(beginning + rest).encode() for beginning in self._beginnings]
        except ValueError:  # not ASCII, not UTF-8 under the percent signs, too many fields
            return None
        for key in self._keys:
            for text in signed:
                if hmac.compare_digest(b64encode(hmac.digest(key, text, "sha1")), signature):
                    return dict(fields)
        return None


def _other_port(parts: SplitResult) -> str:
    """Return the URL without its port, or with the one that its scheme implies where it names none.

    Twilio's own servers do not agree on which of them they sign.
    """
    credentials, at, host = parts.netloc.rpartition("@")
    implied = 443 if parts.scheme == "https" else 80
    host = f"{host}:{implied}" if parts.port is None else host.rpartition(":")[0]
    return parts._replace(netloc=credentials + at + host).geturl()
