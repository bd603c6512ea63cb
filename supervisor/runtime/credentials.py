"""Secrets: from the environment, from a file named there, or generated and kept in state.dir; never a default."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from supervisor.protocol.errors import ConfigError

GENERATED_BYTES = 32

CLUSTER_SECRET = "XSWARM_CLUSTER_SECRET"  # noqa: S105 - a variable's name
"""The variable with what all nodes of a cluster have in common; their keys are derived from it."""

SHORTEST_SECRET = 32
"""Least length of a key for HS256 (RFC 7518 section 3.2) and of the cluster's secret, in bytes."""

SECRETS_FOLDER = "secrets"
OPERATOR_TOKEN = "operator.token"  # noqa: S105 - a file's name


class Credentials:
    """Returns secrets and remembers them, so that the log can mask them.

    Args:
        state_dir: an existing folder; generated secrets are stored below it with mode 0600.
        environ: the environment.
    """

    def __init__(self, state_dir: Path, environ: Mapping[str, str]) -> None:
        self._state_dir = state_dir
        self._environ = environ
        self._known: set[str] = set()
        self._lent: dict[str, str] = {}
        self._common: dict[str, str | None] = {}

    def __repr__(self) -> str:
        return "Credentials(...)"

    def known(self) -> list[str]:
        """Return all secrets that were returned so far."""
        return sorted(self._known)

    def lend(self, name: str, value: str) -> None:
        """Use a value instead of a secret of the environment in this run (for the demo)."""
        self._lent[name] = value

    def secret(self, name: str) -> str | None:
        """Return the secret NAME, or the content of the file NAME_FILE; None = neither is set.

        Raises:
            ConfigError: both are set, or the file is unreadable or empty.
        """
        if name in self._lent:
            self._known.add(self._lent[name])
            return self._lent[name]
        value, path = self._environ.get(name, ""), self._environ.get(f"{name}_FILE", "")
        if value and path:
            raise ConfigError(name, f"both {name} and {name}_FILE are set", "unset one of them")
        if path:
            return self.from_file(f"{name}_FILE", Path(path))
        if not value:
            return None
        self._known.add(value)
        return value

    def common(self, name: str) -> str | None:
        """Return `secret(name)`, which all nodes of a cluster should have in common.

        Raises:
            ConfigError: see `secret`.
        """
        value = self.secret(name)
        self.note_common(name, value)
        return value

    def note_common(self, name: str, value: str | None) -> None:
        """Note a secret that all nodes of a cluster should have in common; None = it is not set here."""
        self._common[name] = value

    def commons(self) -> Mapping[str, str | None]:
        """Return the secrets that all nodes of a cluster should have in common, as far as they were asked for."""
        return self._common

    def from_file(self, key: str, path: Path) -> str:
        """Return the secret in a file, without blanks around it.

        Args:
            key: the key or the variable that names the file, for messages.

        Raises:
            ConfigError: the file is unreadable or empty.
        """
        try:
            value = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(key, f"cannot be read: {error}") from None
        if not value:
            raise ConfigError(key, f"is empty: {path}")
        self._known.add(value)
        return value

    def was_generated(self, name: str) -> bool:
        """Return whether an earlier start has generated a secret."""
        return (self._state_dir / SECRETS_FOLDER / name).exists()

    def generated(self, name: str) -> bytes:
        """Return a secret of 32 bytes, generated at the first use.

        Raises:
            ConfigError: its file can be read by other users, or is damaged.
        """
        folder = self._state_dir / SECRETS_FOLDER
        kept = kept_private(folder / name, secrets.token_hex(GENERATED_BYTES))
        try:
            value = bytes.fromhex(kept)
        except ValueError:
            value = b""
        if len(value) != GENERATED_BYTES:
            raise ConfigError(
                str(folder / name), "does not contain a secret of 32 bytes", "delete the file: a new one is generated"
            )
        self._known.add(kept)
        return value

    def keep(self, name: str, value: bytes) -> None:
        """Keep a secret as if it were generated; one that was generated before stays.

        Raises:
            ConfigError: its file cannot be written.
        """
        kept_private(self._state_dir / SECRETS_FOLDER / name, value.hex())

    def cluster_secret(self) -> bytes | None:
        """Return what all nodes of the cluster have in common; None = this node stands alone.

        Raises:
            ConfigError: it is too short.
        """
        given = self.secret(CLUSTER_SECRET)
        if given is not None and len(given.encode()) < SHORTEST_SECRET:
            raise ConfigError(
                CLUSTER_SECRET, f"must be at least {SHORTEST_SECRET} bytes", "make one with `openssl rand -hex 32`"
            )
        return None if given is None else given.encode()

    def shared(self, name: str) -> bytes:
        """Return a secret of 32 bytes that is the same on all nodes: derived from the cluster's, else `generated`.

        Raises:
            ConfigError: the cluster's secret is too short, or see `generated`.
        """
        secret = self.cluster_secret()
        if secret is None:
            return self.generated(name)
        # RFC 5869 section 3.2: `info` binds the key to its purpose, so that none tells anything about another.
        value = HKDF(algorithm=SHA256(), length=GENERATED_BYTES, salt=None, info=f"xswarm {name}".encode()).derive(
            secret
        )
        self._known.add(value.hex())
        return value

    def operator_token(self) -> str:
        """Return the operator's token, generated at the first use.

        Raises:
            ConfigError: its file can be read by other users, or is empty.
        """
        token = kept_private(self._state_dir / OPERATOR_TOKEN, "xsw_" + secrets.token_urlsafe(GENERATED_BYTES))
        self._known.add(token)
        return token


def kept_private(path: Path, fresh: str) -> str:
    """Return the content of a private file in state.dir; if there is no file, write `fresh` to it atomically.

    Raises:
        ConfigError: it can be read by other users, is empty, or cannot be used.
    """
    try:
        if not path.exists():
            _write(path, fresh)
        if path.stat().st_mode & 0o077:
            raise ConfigError(str(path), "can be read by other users", f"chmod 600 {path}")
        kept = path.read_bytes().decode("ascii", errors="replace").strip()
    except OSError as error:
        raise ConfigError(
            str(path), f"cannot be used: {error.strerror}", "free disk space there, or make the folder writable"
        ) from None
    if not kept:
        raise ConfigError(str(path), "is empty", "delete the file: a new one is generated")
    return kept


def _write(path: Path, text: str) -> None:
    """Write a file with mode 0600 durably (fsync), unless another process has created it meanwhile."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
