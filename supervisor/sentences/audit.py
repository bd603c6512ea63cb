"""What operators are told about the audit trail by mail."""

from __future__ import annotations

from supervisor.protocol.text.template import line, sentence

SUBJECT = line("Newest hash of the audit trail")
ANCHOR = sentence(
    "Newest hash: {anchor}\n\nKeep this mail. `xswarm audit verify --anchors FILE` compares such lines with "
    "the audit trail."
)
