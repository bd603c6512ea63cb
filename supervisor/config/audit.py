"""The table `[audit]` of config.toml: how long the audit trail is kept, and where its newest hash is noted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The audit trail.

    Attributes:
        keep_days: days until an entry is cut off; a sealed checkpoint takes its place.
        anchor_file: the newest hash of the trail is appended to this file each day, best on another volume: it shows
            later whether the end of the trail was cut off. Absolute, or relative to config.toml; empty = none.
        anchor_mail: mail addresses that get the newest hash each day.
    """

    keep_days: int = 90
    anchor_file: str = ""
    anchor_mail: tuple[str, ...] = ()
