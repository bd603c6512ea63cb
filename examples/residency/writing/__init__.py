"""Changes of a schedule: preview, write at the version that the preview saw, roll back."""

from __future__ import annotations
