"""What people are told about text messages."""

from __future__ import annotations

from supervisor.protocol.text.template import line, sentence

MORE = line("Reply MORE for the rest")
"""The end of a body that is not the last one: short, because each body pays for it."""

ONE_ATTACHMENT = sentence(
    "Your text message has no text, only 1 attachment (a picture or another file). "
    "Attachments are not read here: write what is to be done."
)
ATTACHMENTS = sentence(
    "Your text message has no text, only {count:attachment}. Attachments are not read here: write what is to be done."
)

MEDIA_NOTE = sentence("The text message came with {what} left out.")
"""For the model."""
