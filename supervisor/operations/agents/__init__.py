"""Operations on what programs report about the agents that they run."""

from __future__ import annotations
