"""Logging to stderr: one line per record, as text or JSON, with every secret masked."""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from urllib.parse import quote

Secrets = Callable[[], Sequence[str]]
"""Returns the secrets that are known so far."""

MASK = "***"

OURS = ("supervisor", "channels", "connectors", "cli")
"""The packages whose loggers get the level of config.toml; all other loggers get at least WARNING."""

LIBRARIES = (
    "uvicorn uvicorn.error uvicorn.access uvicorn.asgi websockets websockets.server websockets.client aiohttp "
    "aiohttp.access aiohttp.client twilio mail.log aiosqlite anthropic httpx httpx2 httpcore asyncio"
).split()
"""Loggers of libraries that may have their own handlers or level, and whose lower levels show addresses or SQL."""

SILENT = ("mcp", "client")
"""Loggers of libraries whose records hold the text of messages; what matters of them we log ourselves."""

_NAMES = "access_token|auth_token|api_key|apikey|x-api-key|token|password|passwd|secret|authorization"

_HEADERS = "x-api-key|authorization|set-cookie|cookie"


def _pattern(hints: str, expression: str, replacement: str) -> tuple[list[str], re.Pattern[str], str]:
    return hints.split("|"), re.compile(expression, re.IGNORECASE), replacement.replace("MASK", MASK)


_PATTERNS = (
    _pattern("sk-ant-", r"sk-ant-[\w-]+", "MASK"),
    _pattern("xsw_", r"xsw_[\w-]+", "MASK"),
    _pattern("eyj", r"\b(?-i:eyJ)[\w-]{8,}(?:\.[\w-]*){1,2}", "MASK"),  # a JWT
    _pattern("bearer", r"\b(bearer\s+)[\w.~+/=-]{8,}", r"\1MASK"),
    _pattern("basic", r"\b(basic\s+)(?-i:(?=\S*[A-Z\d=])[\w+/=-]{8,})", r"\1MASK"),
    _pattern("://", r"(\w://)[^\s/@]+@", r"\1MASK@"),  # user and password in a URL
    _pattern(_NAMES, rf"(?<![\w-])({_NAMES})(=|%3D)[^\s&#;,]+", r"\1\2MASK"),
    _pattern(_NAMES, rf"""(["']?(?<![\w-])(?:{_NAMES})["']?\s*:\s*)(["'])(?:(?!\2).)+\2""", r"\1\2MASK\2"),
    _pattern(_HEADERS, rf"""\b((?:{_HEADERS})["']?\s*[:,]\s*(?:b?["'])?(?:bearer |basic )?)[^\s"',;]+""", r"\1MASK"),
)
"""Patterns of credentials; each is tried only if the lower-case text contains one of its hints."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that could forge a line, move the cursor or reverse the direction of text."""


def setup(level: str, format: str, secrets: Secrets) -> None:
    """Send all logging to stderr; may be called again.

    Args:
        level: "debug", "info", "warning" or "error", for our own loggers.
        format: "text" or "json".
        secrets: called for every record, because further secrets become known later.
    """
    logging.raiseExceptions = False  # otherwise logging prints a record that it cannot format unmasked
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(secrets) if format == "json" else TextLines(secrets))
    threshold = logging.getLevelNamesMapping()[level.upper()]
    others = max(threshold, logging.WARNING)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(others)
    for name in LIBRARIES:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(others)
    for name in SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    for name in OURS:
        logging.getLogger(name).setLevel(threshold)


def masked(text: str, secrets: Sequence[str]) -> str:
    """Return a text in which known secrets (also quoted for a URL or a repr) and credential patterns are masked."""
    spellings = {s for secret in secrets for s in (secret, quote(secret, safe=""), repr(secret)[1:-1]) if s}
    for spelling in sorted(spellings, key=len, reverse=True):  # a secret may contain another one
        text = text.replace(spelling, MASK)
    lowered = text.lower()
    for hints, pattern, replacement in _PATTERNS:
        if any(hint in lowered for hint in hints):
            text = pattern.sub(replacement, text)
    return text


def escaped(text: str) -> str:
    """Return a text as one line: control characters are replaced by escape sequences."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


class Lines(logging.Formatter):
    """Base class of the formatters: masks the formatted message and the traceback."""

    def __init__(self, secrets: Secrets) -> None:
        super().__init__()
        self._secrets = secrets

    def _message(self, record: logging.LogRecord) -> str:
        try:
            message = record.getMessage()
        except Exception as error:  # noqa: BLE001 - a wrong record is logged with this note instead of being lost
            message = f"{record.msg} (its arguments do not fit: {type(error).__name__})"
        return masked(message, self._secrets())

    def _trace(self, record: logging.LogRecord) -> str:
        """Return the traceback and the stack of a record; empty if it has none."""
        parts = []
        if record.exc_info and record.exc_info[1] is not None:
            parts += traceback.format_exception(record.exc_info[1])
        if record.stack_info:
            parts.append(record.stack_info)
        return masked("".join(parts), self._secrets()).rstrip()

    @staticmethod
    def _time(record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class TextLines(Lines):
    """Text for people: one line, then the traceback on lines that begin with a bar."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record."""
        head = f"{self._time(record)} {record.levelname} {record.name}: {escaped(self._message(record))}"
        trace = [f"  | {escaped(line)}" for line in self._trace(record).split("\n") if line]
        return "\n".join([head, *trace])


class JsonLines(Lines):
    """One JSON object per line, for programs."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line = {
            "time": self._time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._message(record),
        }
        if trace := self._trace(record):
            line["exception"] = trace
        return json.dumps(line)


class Outage:
    """Whether something works, for the log.

    Args:
        logger: of the module that is concerned.
        level: of the line that says that it does not work.
    """

    __slots__ = ("_level", "_logger", "lasts")

    def __init__(self, logger: logging.Logger, level: int = logging.ERROR) -> None:
        self._logger = logger
        self._level = level
        self.lasts = False

    def failed(self, message: str, *values: object) -> None:
        """Say that it does not work, unless that is known."""
        if not self.lasts:
            self._logger.log(self._level, message, *values)
        self.lasts = True

    def works(self, message: str, *values: object) -> None:
        """Say that it works again, if it did not."""
        if self.lasts:
            self._logger.info(message, *values)
        self.lasts = False
