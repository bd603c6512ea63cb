"""What people are told about replies that did not arrive."""

from __future__ import annotations

from supervisor.protocol.text.template import clause, line, sentence

SUBJECT = line("Not delivered")
DID_NOT_ARRIVE = sentence("This {way} {address} did not arrive.")
DID_NOT_ARRIVE_BECAUSE = sentence("This {way} {address} did not arrive: {why}.")
TEXT_TO = clause("text to")
MAIL_TO = clause("mail to")
MESSAGE_BY = clause("message by {channel} to")
