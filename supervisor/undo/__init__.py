"""What a turn changed in files, and taking it back."""

from __future__ import annotations
