"""Why a message is not worked on."""

from __future__ import annotations

from supervisor.protocol.text.template import clause, sentence

TOO_MANY = sentence("Rate limit exceeded: your message was not worked on. Send it again in {seconds:second}.")
NO_TEXT = sentence("Your message has no text. Write what is to be done.")
NO_PROJECT_ANY_MORE = clause("you may not use its project any more")
NOT_BY_MAIL = clause("project {project} has full permissions and cannot be used by mail")
AUTOMATIC = sentence(
    "Your message was not worked on, because {why}. Start a new mail: it is worked on. "
    "Command words count in this thread too."
)
NOT_WORKED_ON = sentence("Your message {quoted} was not worked on: {why}.")
