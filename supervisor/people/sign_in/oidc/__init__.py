"""Sign-in at another service by OpenID Connect Core 1.0, with the authorization code flow, PKCE (RFC 7636) and a nonce.

`sign_in.OidcSignIn` is what wires call; `provider.Provider` is one service, `id_token.read` checks what it says.
"""

from __future__ import annotations
