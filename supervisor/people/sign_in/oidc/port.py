"""What `OidcSignIn` asks of a service. `provider.py` answers it; only that module needs the OpenID Connect library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from supervisor.protocol.errors import XswarmError
from supervisor.protocol.values.record import record
from supervisor.sentences.sign_in import ANOTHER_WAY, SERVICE_IS_DOWN


class BadToken(Exception):
    """A token that does not count; the message says why, in a few words."""


class ServiceDown(XswarmError):
    """A service where people sign in cannot be reached, or does not answer as it must."""

    code = "connection_failed"
    remedy = ANOTHER_WAY()
    retry_after = 5.0

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self.label = label

    def __str__(self) -> str:
        return SERVICE_IS_DOWN(label=self.label)


@record
class Round:
    """What belongs to one sign-in at a service.

    Attributes:
        redirect_uri: our page to which the service sends the browser back.
        verifier: the secret of PKCE; only its hash leaves before the code comes.
    """

    redirect_uri: str
    state: str
    nonce: str
    verifier: str


class IdentityProvider(Protocol):
    """One service.

    Attributes:
        label: what the button says.
        issuer: the URL of the service, as its tokens name it.
        user_claim: the claim that says who it is.
    """

    label: str
    issuer: str
    user_claim: str

    async def url(self, round_: Round) -> str:
        """Return where a browser goes to sign in.

        Raises:
            ServiceDown: the service cannot be reached.
        """

    async def claims(self, code: str, round_: Round) -> Mapping[str, Any]:
        """Return what the service says about who signed in, in exchange for a code.

        Raises:
            BadToken: the service does not take the code, or its token does not count.
            ServiceDown: the service cannot be reached.
        """
