"""Who is at the other end of a link, and that nobody between reads, changes or repeats what it carries (Sans-I/O).

Each side sends a random challenge and proves with the cluster's link key that it has seen both. Keys of this one
connection come out of it (RFC 5869); each frame is sealed with ChaCha20-Poly1305 (RFC 8439) under a counter.
"""

from __future__ import annotations

import hmac
import json
import os
from dataclasses import asdict

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from supervisor.protocol.values.record import record

VERSION = 1
"""Of the handshake and the frames; another one is refused, so a change needs a release that speaks both."""

CHALLENGE_BYTES = 32
KEY_BYTES = 32


class NotOurs(Exception):
    """The other end is none of this cluster, or somebody has changed what it said."""


@record
class Hello:
    """The first message of each side.

    Attributes:
        challenge: random, in hexadecimal.
        release: the version of the program, for people.
    """

    name: str
    challenge: str
    release: str = ""
    version: int = VERSION

    def encode(self) -> bytes:
        """Return it as JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, given: bytes) -> Hello:
        """Return the hello of the other side.

        Raises:
            NotOurs: it is none.
        """
        try:
            found = cls(**json.loads(given))
            known = len(bytes.fromhex(found.challenge)) == CHALLENGE_BYTES and isinstance(found.name, str)
        except (ValueError, TypeError, RecursionError):
            raise NotOurs("its first message is no hello") from None
        if not known or found.version != VERSION:
            raise NotOurs(f"it speaks version {found.version} of the link, this node version {VERSION}")
        return found


class Handshake:
    """One side of the handshake.

    Args:
        key: the link key of the cluster.
        dialled: whether this side has opened the connection.
    """

    def __init__(self, key: bytes, name: str, *, dialled: bool, release: str = "") -> None:
        self.hello = Hello(name=name, challenge=os.urandom(CHALLENGE_BYTES).hex(), release=release)
        self._key = key
        self._dialled = dialled
        self._transcript = b""

    def hear(self, hello: bytes) -> Hello:
        """Take the hello of the other side.

        Raises:
            NotOurs: it is none, or this side's own.
        """
        theirs = Hello.decode(hello)
        if theirs.name == self.hello.name:
            raise NotOurs(f"it has the name of this node, {theirs.name}; node.name must differ on each node")
        ours = self.hello.encode()
        # The order is that of the roles, so a message of one role is never one of the other.
        pair = (ours, hello) if self._dialled else (hello, ours)
        self._transcript = b"".join(len(part).to_bytes(4) + part for part in pair)
        return theirs

    def proof(self) -> bytes:
        """Return what shows the other side that this one has the key; after `hear`."""
        return self._proof(by_dialler=self._dialled)

    def check(self, proof: bytes) -> Seal:
        """Check the proof of the other side; return what seals the frames from now on.

        Raises:
            NotOurs: it does not have the key.
        """
        if not hmac.compare_digest(proof, self._proof(by_dialler=not self._dialled)):
            raise NotOurs("it has another XSWARM_CLUSTER_SECRET")
        return Seal(self._derived(by_dialler=self._dialled), self._derived(by_dialler=not self._dialled))

    def _proof(self, *, by_dialler: bool) -> bytes:
        assert self._transcript, "`hear` comes first"
        role = b"dialler" if by_dialler else b"listener"
        return hmac.digest(self._key, b"xswarm link proof " + role + self._transcript, "sha256")

    def _derived(self, *, by_dialler: bool) -> bytes:
        role = b"dialler" if by_dialler else b"listener"
        salt = hmac.digest(self._key, self._transcript, "sha256")
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=b"xswarm link frames " + role).derive(
            self._key
        )


class Seal:
    """Seals the frames that this side sends, and opens those of the other.

    A frame that was changed, repeated, left out or moved does not open.
    """

    def __init__(self, ours: bytes, theirs: bytes) -> None:
        self._ours = ChaCha20Poly1305(ours)
        self._theirs = ChaCha20Poly1305(theirs)
        self._sent = 0
        self._received = 0

    def close(self, frame: bytes) -> bytes:
        """Return a frame, sealed. Frames must be sent in the order of these calls."""
        sealed = self._ours.encrypt(self._sent.to_bytes(12), frame, None)
        self._sent += 1
        return sealed

    def open(self, sealed: bytes) -> bytes:
        """Return the frame that the other side has sealed.

        Raises:
            NotOurs: it is not the next one that the other side has sealed.
        """
        try:
            frame = self._theirs.decrypt(self._received.to_bytes(12), sealed, None)
        except InvalidTag:
            raise NotOurs("a frame was changed, repeated or left out on its way") from None
        self._received += 1
        return frame
