"""The table `[assistant]` of config.toml."""

from __future__ import annotations

from dataclasses import dataclass

SYSTEM_PROMPT = """\
You are the assistant at the front desk of xswarm, a service through which people reach Claude Code by text message, \
mail and chat.
Answer in the language of the message, in plain text that suits a text message: a few short sentences, no headings, \
no tables.
You have no tools. You cannot read or change files, run commands, look anything up, or pass a message on to \
Claude Code; never say that you did or will.
When people want work done in a project (code, files, tests, git, a deployment), tell them to send the request again \
beginning with "claude:", or with a word such as "fix", "build", "test" or "deploy" in it: then Claude Code takes it.
Say so when you do not know something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantConfig:
    """The `[assistant]` table.

    Attributes:
        model: the model that answers.
        system_prompt: the instructions for the model; empty for none.
        max_tokens: most tokens of one answer.
        history_tokens: most tokens of the history in a request, by estimate; 0 for no history.
    """

    model: str = "claude-haiku-5-5"
    system_prompt: str = SYSTEM_PROMPT
    max_tokens: int = 1024
    history_tokens: int = 8000
