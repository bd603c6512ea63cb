"""Incoming mail, from the LMTP server to an `Inbound`. `receiver.Receiver` calls the other modules in order."""

from __future__ import annotations
