"""What people are told about their chats."""

from __future__ import annotations

from supervisor.protocol.text.template import clause

REPLACED = clause("it was replaced by an edited message")
DELETED = clause("its chat was deleted")
STOPPED = clause("it was stopped before it began")
