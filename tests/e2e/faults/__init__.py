"""Kills, full disks, lost folders and broken neighbours."""

from __future__ import annotations
