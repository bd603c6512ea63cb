"""The routing rules, in order: what a message is for, and why. No I/O."""

from __future__ import annotations

import re
from collections.abc import Sequence

from supervisor.people.projects import Project
from supervisor.protocol.messages import ProjectName, SessionId
from supervisor.protocol.status import Role, Target
from supervisor.protocol.values.record import record
from supervisor.routing.keywords import Keywords

PREFIX = re.compile(r"^\s*(?P<word>claude|assistant)\s*[:,：，]\s*(?P<rest>.*)$", re.IGNORECASE | re.DOTALL)
MENTION = re.compile(
    r"^\s*[@＠](?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,63})(?:[:,]?(?:\s+|$)|[：，]\s*)(?P<rest>.*)$", re.DOTALL
)
GREETING = re.compile(
    r"\s*(?:-----BEGIN PGP SIGNED MESSAGE-----\n(?:[A-Za-z]{1,20}: [^\n]{0,80}\n)*\s*)?"
    r"(?:(?:hi|hello|hey|dear|good (?:morning|day|evening)|hallo|guten (?:tag|morgen)|moin|servus"
    r"|bonjour|salut|hola|buenos días|olá|oi|ciao"
    r"|buongiorno|hoi|cześć|hej|hejsan|привет|здравствуйте"
    r"|你好|こんにちは|안녕하세요)(?:[ ,]{1,3}\w{1,30})?[\s,!.，！、]{0,20})?"
    r"(?=(?:claude|assistant)\s*[:,：，]|(?<![^\s,!.，！、] )[@＠])",
    re.IGNORECASE,
)
"""What may stand in front of a prefix: a greeting, and the first lines of a message signed by PGP (RFC 9580)."""


@record
class Context:
    """What the router knows besides the text.

    Attributes:
        role: of the sender.
        projects: the projects that the sender may use.
        thread_session: the Claude Code session of the thread, or of a recent answer; None = there is none.
        thread_project: the project of that session.
        lost_project: the project of the thread, where the sender can no longer use it; None = there is no such thread.
        last_project: the project that the sender used last; None = none, or it may no longer be used.
        default_project: `routing.default_project`, if the sender may use it.
        in_chat: the message is written in a chat: only a prefix sends it to Claude Code.
    """

    role: Role
    projects: Sequence[Project]
    thread_session: SessionId | None = None
    thread_project: Project | None = None
    lost_project: ProjectName | None = None
    last_project: Project | None = None
    default_project: Project | None = None
    in_chat: bool = False


@record
class Decision:
    """Where a message goes.

    Attributes:
        target: Claude Code, the assistant, or nowhere.
        reason: why, in a few words; for REFUSED the sentence that the sender reads.
        text: the message without its prefix.
        project: the project of a message for Claude Code.
        session_id: the session to continue; None = the session of user, project and thread.
    """

    target: Target
    reason: str
    text: str
    project: Project | None = None
    session_id: SessionId | None = None


class Router:
    """Applies the rules in order: prefix, thread, keyword, else the assistant.

    Args:
        keywords: words that make a message one for Claude Code.
        unauthorised: "assistant" or "refuse": what happens to a message for Claude Code of a sender without a project.
    """

    def __init__(self, keywords: Keywords, unauthorised: str) -> None:
        self._keywords = keywords
        self._unauthorised = unauthorised

    def route(self, text: str, context: Context) -> Decision:
        """Return where a message goes, and why."""
        if not context.role.may_prompt:
            return _refused(f"your role ({context.role}) may look at sessions and costs, not start work", text)
        addressed = _without_greeting(text)
        mention = MENTION.match(addressed)
        if mention is not None:
            return self._mentioned(mention["name"], (mention["rest"] or "").strip(), context)
        prefix = PREFIX.match(addressed)
        if prefix is not None:
            rest = prefix["rest"].strip()
            if not rest:
                return _refused(f"there is no text after {prefix['word']!r}: write your request there", text)
            if prefix["word"].casefold() == "assistant":
                return Decision(target=Target.ASSISTANT, reason="prefix assistant:", text=rest)
            mention = MENTION.match(rest)
            if mention is not None:
                return self._mentioned(mention["name"], (mention["rest"] or "").strip(), context)
            return self._claude("prefix claude:", rest, context)
        if context.in_chat:
            return Decision(target=Target.ASSISTANT, reason="chat", text=text)
        if context.lost_project is not None:
            why = f"this conversation is in project {context.lost_project}, which you can no longer use"
            return _refused(f"{why}; begin another one with claude:, assistant: or @name", text)
        if context.thread_session is not None and context.thread_project is not None:
            return Decision(
                target=Target.CLAUDE_CODE,
                reason="follows an answer of Claude Code",
                text=text,
                project=context.thread_project,
                session_id=context.thread_session,
            )
        keyword = self._keywords.find(_own_lines(text))
        if keyword is not None:
            return self._claude(f"keyword {keyword}", text, context)
        return Decision(target=Target.ASSISTANT, reason="no keyword", text=text)

    def _mentioned(self, name: str, rest: str, context: Context) -> Decision:
        project = next((p for p in context.projects if p.name.casefold() == name.casefold()), None)
        if project is None:
            return _refused(f"there is no project {name!r} for you; {_list(context.projects)}", rest)
        if not rest:
            return _refused(f"there is no text after @{project.name}: write your request there", rest)
        return Decision(target=Target.CLAUDE_CODE, reason=f"@{project.name}", text=rest, project=project)

    def _claude(self, reason: str, text: str, context: Context) -> Decision:
        if not context.projects:
            if self._unauthorised == "refuse":
                return _refused("you have no project with Claude Code; an operator can give you one", text)
            return Decision(target=Target.ASSISTANT, reason=f"{reason}, but the sender has no project", text=text)
        only = context.projects[0] if len(context.projects) == 1 else None
        project = context.thread_project or only or context.last_project or context.default_project
        if project is None:
            return _refused(f"which project? Begin your message with @name; {_list(context.projects)}", text)
        return Decision(target=Target.CLAUDE_CODE, reason=reason, text=text, project=project)


def split_prefix(text: str) -> tuple[str, str]:
    """Return the prefix that says what a message is for, such as "claude:" or "@name", and the rest of the message.

    Without a prefix the first is empty, and the second is the whole message.
    """
    addressed = _without_greeting(text)
    word = PREFIX.match(addressed)
    mention = MENTION.match(word["rest"] if word is not None else addressed)
    if mention is not None and (word is None or word["word"].casefold() == "claude"):
        return f"@{mention['name']}", mention["rest"].strip()
    if word is not None:
        return f"{word['word'].lower()}:", word["rest"].strip()
    return "", text


def _without_greeting(text: str) -> str:
    greeting = GREETING.match(text)
    return text[greeting.end() :] if greeting is not None else text


def _own_lines(text: str) -> str:
    """Return a text without its quoted lines: keywords in the words of others must not choose the target."""
    return "\n".join(line for line in text.splitlines() if not line.startswith(">"))


def _refused(why: str, text: str) -> Decision:
    return Decision(target=Target.REFUSED, reason=why, text=text)


def _list(projects: Sequence[Project]) -> str:
    if not projects:
        return "you have none"
    return "yours: " + ", ".join(f"@{p.name}" for p in projects)
