"""How paths are named in a sentence."""

from __future__ import annotations

MAX_NAMED = 5
"""The most paths that a sentence names."""


def name_paths(paths: tuple[str, ...], *, most: int | None = None) -> str:
    """Return the first paths as a list in a sentence. A ? replaces each character that is not printable.

    Args:
        most: the most characters; a single path that is longer loses its beginning. None = no limit.
    """
    shown = ["".join(one if one.isprintable() else "?" for one in path) for path in paths[:MAX_NAMED]]
    while most is not None and len(shown) > 1 and len(_listed(shown, len(paths))) > most:
        shown.pop()
    if most is not None and shown and (over := len(_listed(shown, len(paths))) - most) > 0:
        shown = [f"...{shown[0][over + len('...') :]}"]
    return _listed(shown, len(paths))


def _listed(shown: list[str], count: int) -> str:
    return ", ".join(shown) + (f" and {count - len(shown)} more" if count > len(shown) else "")
