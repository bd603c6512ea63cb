"""Secrets: from the environment or a file it names, or made by ourselves and kept in state.dir; never a default."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

from supervisor.protocol.errors import ConfigError

GENERATED_BYTES = 32
OPERATOR_TOKEN = "operator.token"  # noqa: S105 - a file's name


class Credentials:
    """Hands out secrets and remembers them, so that the log can mask them.

    Args:
        state_dir: exists; generated secrets are kept below it, mode 0600.
        environ: the environment.
    """

    def __init__(self, state_dir: Path, environ: Mapping[str, str]) -> None:
        self._state_dir = state_dir
        self._environ = environ
        self._known: set[str] = set()
        self._lent: dict[str, str] = {}

    def __repr__(self) -> str:
        return "Credentials(...)"

    def known(self) -> list[str]:
        """Return the texts of all secrets that were handed out."""
        return sorted(self._known)

    def lend(self, name: str, value: str) -> None:
        """Let a value stand for a secret of the environment in this run (the demo's)."""
        self._lent[name] = value

    def secret(self, name: str) -> str | None:
        """Return the secret NAME, or what the file NAME_FILE holds; None where neither is set.

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
            try:
                value = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"{name}_FILE", f"cannot be read: {error}") from None
            if not value:
                raise ConfigError(f"{name}_FILE", f"is empty: {path}")
        if not value:
            return None
        self._known.add(value)
        return value

    def generated(self, name: str) -> bytes:
        """Return 32 bytes of our own, made at first use.

        Raises:
            ConfigError: what is kept can be read by others, or is damaged.
        """
        folder = self._state_dir / "secrets"
        kept = _keep(folder / name, secrets.token_hex(GENERATED_BYTES))
        try:
            value = bytes.fromhex(kept)
        except ValueError:
            value = b""
        if len(value) != GENERATED_BYTES:
            raise ConfigError(str(folder / name), "holds no secret of 32 bytes", "delete the file: a new one is made")
        self._known.add(kept)
        return value

    def operator_token(self) -> str:
        """Return the operator's token, made at first use.

        Raises:
            ConfigError: what is kept can be read by others, or is empty.
        """
        token = _keep(self._state_dir / OPERATOR_TOKEN, "xsw_" + secrets.token_urlsafe(GENERATED_BYTES))
        self._known.add(token)
        return token


def _keep(path: Path, fresh: str) -> str:
    """Return what a private file holds, writing `fresh` where there is none, whole or not at all."""
    try:
        if not path.exists():
            _write(path, fresh)
        if path.stat().st_mode & 0o077:
            raise ConfigError(str(path), "can be read by other users", f"chmod 600 {path}")
        kept = path.read_bytes().decode("ascii", errors="replace").strip()
    except OSError as error:
        raise ConfigError(str(path), f"cannot be used: {error.strerror}") from None
    if not kept:
        raise ConfigError(str(path), "is empty", "delete the file: a new one is made")
    return kept


def _write(path: Path, text: str) -> None:
    """Write a file with mode 0600 that outlives a loss of power, unless another process was first."""
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
