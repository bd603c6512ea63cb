"""The daemon's process on this machine: secrets, lock, logs, hardening, child tasks, the queue for processes."""

from __future__ import annotations
