"""JSON that others wrote: what it holds can be stored and sent."""

from __future__ import annotations

import json
import re
from typing import Any

from supervisor.protocol.messages import well_formed

_SUSPECT = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")
"""An escape that may stand for half of a surrogate pair (RFC 8259 section 8.2), or for NUL."""

_SUSPECT_BYTES = re.compile(rb"\\u(?:[dD][89a-fA-F]|0000)|\xed[\xa0-\xbf]")
"""The same in bytes, where `json` also takes a surrogate that is encoded as if it were a character."""


def loads(document: str | bytes, **options: Any) -> Any:
    """Parse a document; in its texts, lone surrogates and NUL become U+FFFD.

    Args:
        options: those of `json.loads`.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested too deeply.
    """
    value = json.loads(document, **options)
    suspect = _SUSPECT.search(document) if isinstance(document, str) else _SUSPECT_BYTES.search(document)
    return _mended(value) if suspect is not None else value


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, dict):
        return {well_formed(name): _mended(one) for name, one in value.items()}
    return [_mended(one) for one in value] if isinstance(value, list) else value
