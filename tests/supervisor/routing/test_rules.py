"""What a message is for, and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.config import DEFAULT_KEYWORDS
from supervisor.people.projects import Project
from supervisor.protocol.messages import ProjectName, SessionId
from supervisor.protocol.status import Permissions, Role, Target
from supervisor.routing.keywords import Keywords
from supervisor.routing.rules import Context, Decision, Router, split_prefix
from tests.cost import assert_linear


def project(name: str) -> Project:
    return Project(
        name=ProjectName(name),
        path=f"/srv/{name}",
        permissions=Permissions.EDIT,
        model=None,
        concurrent=False,
        users=frozenset(),
    )


SITE, SHOP, BLOG = project("site"), project("Shop"), project("blog")
SESSION = SessionId("s1")


def route(
    text: str,
    *projects: Project,
    role: Role = Role.ADMIN,
    unauthorised: str = "assistant",
    thread: Project | None = None,
    last: Project | None = None,
    default: Project | None = None,
    in_chat: bool = False,
) -> Decision:
    context = Context(
        role=role,
        projects=projects,
        thread_session=SESSION if thread is not None else None,
        thread_project=thread,
        last_project=last,
        default_project=default,
        in_chat=in_chat,
    )
    return Router(Keywords(DEFAULT_KEYWORDS), unauthorised).route(text, context)


def test_a_keyword_makes_a_message_one_for_claude_code() -> None:
    decision = route("please run it", SITE)
    assert decision == Decision(
        target=Target.CLAUDE_CODE, reason="keyword run", text="please run it", project=SITE, session_id=None
    )


@pytest.mark.parametrize("word", ["tests", "testing", "running", "committed", "fixes", "STATUS", "deployed"])
def test_an_inflected_keyword_counts(word: str) -> None:
    assert route(f"how about {word} today", SITE).target is Target.CLAUDE_CODE


@pytest.mark.parametrize("text", ["the latest news", "a protest", "hello", "", "what is the capital of France?"])
def test_a_message_without_a_keyword_is_for_the_assistant(text: str) -> None:
    assert route(text, SITE) == Decision(target=Target.ASSISTANT, reason="no keyword", text=text)


# The order of the rules.


def test_a_prefix_goes_before_the_thread_and_the_thread_before_keywords() -> None:
    assert route("assistant: run the tests", SITE, thread=SITE).target is Target.ASSISTANT
    assert route("@Shop hello", SITE, SHOP, thread=SITE).project is SHOP
    followed = route("what is the capital of France?", SITE, thread=SITE)
    assert (followed.target, followed.session_id) == (Target.CLAUDE_CODE, SESSION)
    assert route("run the tests", SITE, thread=SITE).reason == "follows an answer of Claude Code"


@pytest.mark.parametrize("text", ["assistant: run it", "ASSISTANT:run it", "  Assistant :  run it "])
def test_the_assistants_prefix_is_taken_off(text: str) -> None:
    decision = route(text, SITE)
    assert (decision.target, decision.text) == (Target.ASSISTANT, "run it")


@pytest.mark.parametrize("text", ["claude: hello\nthere", "Claude:hello\nthere", " CLAUDE : hello\nthere "])
def test_claudes_prefix_is_taken_off_and_needs_no_keyword(text: str) -> None:
    decision = route(text, SITE)
    assert (decision.target, decision.text, decision.project) == (Target.CLAUDE_CODE, "hello\nthere", SITE)


@pytest.mark.parametrize("text", ["@shop hi", "@Shop, hi", "@SHOP: hi", "  @shop\nhi", "claude: @shop hi"])
def test_a_mention_names_the_project(text: str) -> None:
    decision = route(text, SITE, SHOP, last=SITE)
    assert (decision.target, decision.text, decision.project) == (Target.CLAUDE_CODE, "hi", SHOP)


@pytest.mark.parametrize(
    "text", ["claude is nice", "claudette: hi", "my assistant: hi", "ada@site.example hi", "hi @site"]
)
def test_what_only_resembles_a_prefix_is_none(text: str) -> None:
    assert route(text, SITE).reason == "no keyword"


@pytest.mark.parametrize("text", ["claude:", "assistant: ", "Claude : \n"])
def test_a_prefix_without_a_message_is_refused(text: str) -> None:
    decision = route(text, SITE)
    assert decision.target is Target.REFUSED
    assert "there is no text after" in decision.reason


def test_a_mention_without_a_message_is_refused() -> None:
    assert route("@shop", SITE, SHOP).reason == "there is no text after @Shop: write your request there"


# Which project.


def test_the_project_is_the_threads_then_the_last_then_the_default_one() -> None:
    everything = (SITE, SHOP, BLOG)
    assert route("claude: hi", *everything, thread=BLOG, last=SHOP, default=SITE).project is BLOG
    assert route("run it", *everything, last=SHOP, default=SITE).project is SHOP
    assert route("run it", *everything, default=SITE).project is SITE


def test_the_only_project_needs_no_name() -> None:
    assert route("run it", SHOP).project is SHOP


def test_with_several_projects_and_no_hint_the_sender_is_asked_with_the_list() -> None:
    decision = route("run it", SITE, SHOP)
    assert decision.target is Target.REFUSED
    assert decision.reason == "which project? Begin your message with @name; yours: @site, @Shop"


def test_an_unknown_project_is_refused_with_the_list() -> None:
    decision = route("@blog run it", SITE, SHOP)
    assert decision.target is Target.REFUSED
    assert decision.reason == "there is no project 'blog' for you; yours: @site, @Shop"


def test_a_mention_of_somebody_without_projects_is_refused() -> None:
    assert route("@site run it").reason == "there is no project 'site' for you; you have none"


# Rights.


@pytest.mark.parametrize("text", ["run it", "hello", "assistant: hi", "claude: hi", "@site hi"])
def test_an_operator_starts_no_work(text: str) -> None:
    decision = route(text, SITE, role=Role.OPERATOR, thread=SITE)
    assert decision.target is Target.REFUSED
    assert decision.reason == "your role (OPERATOR) may look at sessions and costs, not start work"


@pytest.mark.parametrize("role", [Role.ADMIN, Role.COORDINATOR])
def test_admins_and_coordinators_start_work(role: Role) -> None:
    assert route("run it", SITE, role=role).target is Target.CLAUDE_CODE


@pytest.mark.parametrize("text", ["run it", "claude: run it"])
def test_somebody_without_a_project_gets_the_assistant_or_a_refusal_by_config(text: str) -> None:
    decision = route(text)
    assert (decision.target, decision.text) == (Target.ASSISTANT, "run it")
    assert "no project" in decision.reason
    refused = route(text, unauthorised="refuse")
    assert refused.target is Target.REFUSED
    assert "an operator can give you one" in refused.reason


def test_somebody_without_a_project_may_talk_to_the_assistant_in_any_case() -> None:
    assert route("hello", unauthorised="refuse").target is Target.ASSISTANT
    assert route("assistant: run it", unauthorised="refuse").target is Target.ASSISTANT


PROJECTS = st.lists(st.sampled_from([SITE, SHOP, BLOG]), unique=True)
TEXTS = st.one_of(
    st.text(),
    st.builds(
        "{}{}{}".format, st.sampled_from(["@site ", "@x:", "claude:", "assistant: ", ""]), st.text(), st.just(" run")
    ),
)


@given(TEXTS, PROJECTS, st.sampled_from(list(Role)), st.sampled_from(["assistant", "refuse"]), st.data())
def test_every_message_goes_somewhere_that_its_sender_may_use(
    text: str, projects: list[Project], role: Role, unauthorised: str, data: st.DataObject
) -> None:
    usable = st.sampled_from([None, *projects])
    decision = route(
        text,
        *projects,
        role=role,
        unauthorised=unauthorised,
        thread=data.draw(usable),
        last=data.draw(usable),
        default=data.draw(usable),
    )
    assert decision.reason
    assert (decision.target is Target.CLAUDE_CODE) == (decision.project is not None)
    assert decision.project is None or decision.project in projects
    assert role.may_prompt or decision.target is Target.REFUSED
    assert decision.target is not Target.COMMAND


@pytest.mark.parametrize(
    "text",
    [
        "Hi,\n\nclaude: run it",
        "Hi, claude: run it",
        "Hello Bo,\nclaude: run it",
        "Claude, run it",
        "claude：run it",
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nclaude: run it",
    ],
)
def test_a_prefix_counts_below_a_greeting_and_with_other_punctuation(text: str) -> None:
    assert route(text, SITE) == Decision(
        target=Target.CLAUDE_CODE, reason="prefix claude:", text="run it", project=SITE, session_id=None
    )


@pytest.mark.parametrize("text", ["＠site run it", "@site：run it", "@site， run it", "Hi,\n@site run it"])
def test_a_mention_counts_with_full_width_characters(text: str) -> None:
    decision = route(text, SITE)
    assert (decision.project, decision.reason) == (SITE, "@site")


@pytest.mark.parametrize("text", ["Hi claude is here", "I met Claude, he says hi", "> claude: run"])
def test_a_name_in_a_sentence_is_no_prefix(text: str) -> None:
    assert route(text, SITE).reason != "prefix claude:"


@pytest.mark.parametrize("piece", [" ", "\n", ",", "hi ", " ,", "-----BEGIN PGP SIGNED MESSAGE-----\n", "a: b\n"])
def test_a_prefix_is_looked_for_in_linear_time(piece: str) -> None:
    assert_linear(lambda size: lambda: split_prefix("hi" + piece * (size // len(piece)) + "x"), 10)


@pytest.mark.parametrize(
    ("text", "prefix", "rest"),
    [
        ("claude: fix it", "claude:", "fix it"),
        ("Hi Claude: fix it", "claude:", "fix it"),
        ("claude: @site fix it", "@site", "fix it"),
        ("assistant: @site", "assistant:", "@site"),
        ("@site fix it", "@site", "fix it"),
        ("claude:", "claude:", ""),
        ("fix it", "", "fix it"),
        ("Hi, fix it", "", "Hi, fix it"),
    ],
)
def test_a_prefix_is_split_from_the_rest(text: str, prefix: str, rest: str) -> None:
    assert split_prefix(text) == (prefix, rest)


def test_in_a_chat_only_a_prefix_leads_to_claude_code() -> None:
    for text in ("summarize the compliance status", "fix the tests and deploy"):
        decision = route(text, SITE, thread=SITE, in_chat=True)
        assert (decision.target, decision.text) == (Target.ASSISTANT, text)
    assert route("claude: fix it", SITE, SHOP, thread=SHOP, in_chat=True).project == SHOP
    assert route("@site fix it", SITE, SHOP, in_chat=True).project == SITE
