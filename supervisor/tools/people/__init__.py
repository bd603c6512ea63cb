"""People in the data of tool servers: a model gets references, a server ids, and the screen names."""

from __future__ import annotations
