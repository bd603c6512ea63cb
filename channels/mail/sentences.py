"""What the sender of a mail is told that has no words for us."""

from __future__ import annotations

from supervisor.protocol.text.template import sentence

ENCRYPTED = sentence("Your mail is encrypted and cannot be read here. Send it without encryption.")
HIDDEN = sentence("Your mail is signed in a form that hides its text. Send it without that signature.")
INVITATION = sentence(
    "Your mail is a calendar invitation, and no calendar is kept here. Write what is to be done as plain text."
)
INVITATION_ANSWER = sentence(
    "Your mail is an answer to a calendar invitation, and starts nothing here. Write what is to be done as plain text."
)
REACTION = sentence(
    "Your mail is a reaction, and starts nothing here. Write your answer as text; YES and NO need their code."
)
QUOTATION = sentence(
    "Your mail has no text of its own, only that of an earlier mail. Write above it what is to be done."
)
NO_WORDS = sentence("Attachments are not read here: write in the mail itself what is to be done.")
ONLY_PARTS = sentence("Your mail has no text, only {parts}.")
"""`NO_WORDS` follows."""
