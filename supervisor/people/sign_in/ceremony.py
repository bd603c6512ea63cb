"""The ceremonies of WebAuthn level 3: what a browser is asked for, and whether what it sends counts.

Only this module needs the WebAuthn library, which takes long to import; `Passkeys` loads it when it needs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import webauthn
from webauthn.helpers import options_to_json_dict
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from supervisor.people.sign_in.errors import BadCredential
from supervisor.people.sign_in.site import Site
from supervisor.protocol.values.record import record

RP_NAME = "xswarm"


@record
class Made:
    """A passkey that a browser has made."""

    id: bytes
    public_key: bytes
    sign_count: int


def to_make(
    site: Site, challenge: bytes, *, handle: bytes, user: str, name: str, known: Sequence[bytes], seconds: int
) -> dict[str, Any]:
    """Return the options with which a browser makes a passkey, as WebAuthn's JSON.

    Args:
        handle: stands for the user; it tells nothing about them.
        known: ids of the passkeys that the user has.
        seconds: how long the browser may take.
    """
    return options_to_json_dict(
        webauthn.generate_registration_options(
            rp_id=site.rp_id,
            rp_name=RP_NAME,
            user_id=handle,
            user_name=user,
            user_display_name=name,
            challenge=challenge,
            timeout=seconds * 1000,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known],
        )
    )


def made(site: Site, challenge: bytes, credential: Mapping[str, Any]) -> Made:
    """Return the passkey that a browser has made.

    Raises:
        BadCredential: it does not count.
    """
    try:
        found = webauthn.verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise BadCredential(str(error)) from error
    return Made(id=found.credential_id, public_key=found.credential_public_key, sign_count=found.sign_count)


def to_prove(site: Site, challenge: bytes, *, known: Sequence[bytes], seconds: int) -> dict[str, Any]:
    """Return the options with which a browser proves who uses it, as WebAuthn's JSON.

    Args:
        known: ids of the passkeys that it may use; empty = those that it knows.
    """
    return options_to_json_dict(
        webauthn.generate_authentication_options(
            rp_id=site.rp_id,
            challenge=challenge,
            timeout=seconds * 1000,
            allow_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known] or None,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    )


def proven(site: Site, challenge: bytes, credential: Mapping[str, Any], *, public_key: bytes, sign_count: int) -> int:
    """Return the count of signatures of a passkey that has answered a challenge.

    Raises:
        BadCredential: it does not count.
    """
    try:
        found = webauthn.verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise BadCredential(str(error)) from error
    return found.new_sign_count
