"""Verifies that a webhook comes from Twilio: HMAC-SHA1 of the public URL and the sorted form in X-Twilio-Signature.

https://www.twilio.com/docs/usage/security#validating-requests

Twilio's RequestValidator is not used: it takes ten times as long, does not compare in constant time, breaks URLs with
credentials, and raises on a missing header or an unusual body. The tests compare our results with it.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from urllib.parse import SplitResult, parse_qsl, urlsplit

from supervisor.protocol.ports.web import WebRequest

FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 500
"""The most fields of a form that are parsed. Twilio sends ten times fewer; a forged form may have any number."""


class Signatures:
    """Verifies the signatures of webhooks.

    Args:
        tokens: the valid auth tokens of the account; two during a change of tokens.
        public_url: the start of the URLs that Twilio calls.

    Raises:
        ValueError: `public_url` is not an http or https URL.
    """

    def __init__(self, tokens: Sequence[str], public_url: str) -> None:
        parts = urlsplit(public_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("not a plain http or https URL")
        self._keys = [token.encode() for token in tokens]
        self._public_url = public_url
        self._beginnings = [public_url, _other_port(parts)]

    def genuine_form(self, request: WebRequest) -> Mapping[str, str] | None:
        """Return the fields of a form that Twilio has signed; None = any other request. It never raises.

        The signature covers all fields, also empty and unknown ones. If a name occurs twice, which Twilio does not do,
        the last value is returned. JSON bodies are refused: text messages never come as JSON.
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
        except ValueError:  # not ASCII, not UTF-8 after percent-decoding, or too many fields
            return None
        for key in self._keys:
            for text in signed:
                if hmac.compare_digest(b64encode(hmac.digest(key, text, "sha1")), signature):
                    return dict(fields)
        return None


def _other_port(parts: SplitResult) -> str:
    """Return the URL without its port, or with the default port of its scheme if it has none.

    Twilio signs the one or the other (https://www.twilio.com/docs/usage/security).
    """
    credentials, at, host = parts.netloc.rpartition("@")
    implied = 443 if parts.scheme == "https" else 80
    host = f"{host}:{implied}" if parts.port is None else host.rpartition(":")[0]
    return parts._replace(netloc=credentials + at + host).geturl()
