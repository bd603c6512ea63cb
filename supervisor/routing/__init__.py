"""What a message is for, and which conversation it joins."""

from __future__ import annotations
