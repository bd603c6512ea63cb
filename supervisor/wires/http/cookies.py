"""The cookie of a person who signed in: where it counts, its name, and how it is set (RFC 6265bis).

A cookie knows neither scheme nor port, and a browser adds it to requests of other pages. So it counts only where the
request comes from a page of our own origin, and a change only in a form that no plain HTML form can send.
"""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from supervisor.config import LOOPBACK

READS = frozenset({"GET", "HEAD"})
LOCAL_NAME = "localhost"
"""The only loopback name under which people sign in: passkeys are bound to a name, and a cookie to its host."""

DEFAULT_PORTS = {"http": 80, "https": 443}


class Cookies:
    """Reads and writes the cookies of sign-in.

    Args:
        public_url: `http.public_url`; empty = there is none.
    """

    def __init__(self, public_url: str = "") -> None:
        self._public = "" if is_local(public_url) else _origin(public_url)

    def own_origin(self, scope: Scope) -> str:
        """Return the origin of our own pages, as this request reached us; empty = people do not sign in there."""
        hosts = Headers(scope=scope).getlist("host")
        if len(hosts) != 1:
            return ""
        host = hosts[0].lower()
        if self._public and _origin(f"{urlsplit(self._public).scheme}://{host}") == self._public:
            return self._public
        return f"http://{host}" if host.partition(":")[0] == LOCAL_NAME else ""

    def comes_from_us(self, scope: Scope) -> bool:
        """Return whether a page of our own origin sends this request.

        A browser leaves out `Origin` where a page reads from its own origin; there `Sec-Fetch-Site` says so, which no
        page can forge (W3C Fetch Metadata).
        """
        own, headers = self.own_origin(scope), Headers(scope=scope)
        origins = headers.getlist("origin")
        if origins:
            return bool(own) and origins == [own]
        reads = scope["type"] == "http" and scope["method"] in READS
        return bool(own) and reads and headers.getlist("sec-fetch-site") == ["same-origin"]

    def may_change(self, scope: Scope) -> bool:
        """Return whether no HTML form could have sent this request: its body is JSON, or a file that is PUT."""
        method, headers = scope["method"], Headers(scope=scope)
        if method in READS or (method == "DELETE" and "content-type" not in headers):
            return True
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        return kind == "application/json" or (method == "PUT" and kind == "application/octet-stream")

    def secret(self, scope: Scope) -> str:
        """Return the secret of the session of a request; empty = it has none that counts."""
        if not self.comes_from_us(scope) or (scope["type"] == "http" and not self.may_change(scope)):
            return ""
        return self._value(scope, self._name(scope, "session"))

    def asked(self, scope: Scope) -> str:
        """Return what the browser kept when it asked for a link; empty = it asked for none."""
        return self._value(scope, self._name(scope, "asked")) if self.comes_from_us(scope) else ""

    def away(self, scope: Scope) -> str:
        """Return what the browser kept when it went to another service to sign in; empty = it went to none."""
        return self._value(scope, self._name(scope, "away")) if self.comes_from_us(scope) else ""

    def keep_session(self, scope: Scope, secret: str, seconds: int) -> str:
        """Return the Set-Cookie header that keeps the secret of a session."""
        return self._set(scope, "session", secret, seconds)

    def keep_asked(self, scope: Scope, secret: str, seconds: int) -> str:
        """Return the Set-Cookie header that keeps that this browser asked for a link."""
        return self._set(scope, "asked", secret, seconds)

    def keep_away(self, scope: Scope, secret: str, seconds: int) -> str:
        """Return the Set-Cookie header that keeps that this browser went to another service to sign in.

        It is Lax: the browser comes back from a foreign site. 0 seconds forget it.
        """
        return self._set(scope, "away", secret, seconds, same_site="Lax")

    def forget_session(self, scope: Scope) -> str:
        """Return the Set-Cookie header that forgets a session."""
        return self._set(scope, "session", "", 0)

    def _name(self, scope: Scope, what: str) -> str:
        own = self.own_origin(scope)
        if own.startswith("https://"):
            return f"__Host-xswarm_{what}"
        # A browser sends the cookies of a host to every port of it: two daemons must not overwrite each other's.
        return f"xswarm_{what}_{urlsplit(own).port or DEFAULT_PORTS['http']}"

    def _set(self, scope: Scope, what: str, value: str, seconds: int, *, same_site: str = "Strict") -> str:
        secure = "; Secure" if self.own_origin(scope).startswith("https://") else ""
        return f"{self._name(scope, what)}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite={same_site}{secure}"

    def _value(self, scope: Scope, name: str) -> str:
        jar: SimpleCookie = SimpleCookie()
        try:
            jar.load("; ".join(Headers(scope=scope).getlist("cookie")))
        except CookieError:
            return ""
        return jar[name].value if name in jar else ""


def is_local(public_url: str) -> bool:
    """Return whether people reach the daemon on this machine, under the name `localhost`: no other URL is set."""
    return not public_url or urlsplit(public_url).hostname in LOOPBACK


def _origin(url: str) -> str:
    """Return the origin of a URL as a browser writes it: lower case, without the port that its scheme has anyway."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        return ""
    if not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != DEFAULT_PORTS.get(parts.scheme) else "")
