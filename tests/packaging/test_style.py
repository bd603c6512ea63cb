"""Conventions that no linter checks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

from tests.packaging.project import CLIENT, EXAMPLES, PACKAGES, ROOT, SHIPPED, parsed, python_files

MAX_LINES = 400

MAX_LINES_OF_TESTS = 600
"""The tests of one module stay together; a table of cases is no second noun."""

MAY_PRINT = ("cli", "benchmarks", "examples/autogen", "examples/service")
"""Command lines, and programs that show what they do."""

FRONT_DOORS = frozenset(
    {
        Path("supervisor/config/__init__.py"),
        Path("supervisor/store/__init__.py"),
        Path("packages/python/xswarm_client/__init__.py"),
    }
)
"""Packages whose `__init__.py` re-exports: each is its own front door."""

WITHOUT_OWN_TESTS = frozenset(
    {
        # Types without behaviour; what uses them tests them.
        Path("supervisor/operations/api.py"),
        Path("supervisor/operations/chats/records.py"),
        Path("supervisor/operations/chats/store.py"),
        Path("supervisor/operations/operations.py"),
        Path("supervisor/protocol/conversation.py"),
        Path("supervisor/protocol/events.py"),
        Path("supervisor/protocol/ids.py"),
        Path("supervisor/protocol/limits.py"),
        Path("supervisor/protocol/messages.py"),
        Path("supervisor/protocol/requests.py"),
        Path("supervisor/protocol/tools.py"),
        Path("supervisor/sessions/tool_access.py"),
        Path("supervisor/store/port.py"),
        *(Path("supervisor/protocol/ports") / f"{noun}.py" for noun in ("checks", "connector", "plugin", "web")),
        *(
            Path("supervisor/protocol/wire") / f"{noun}.py"
            for noun in ("agents", "approvals", "chat", "event", "money", "turns")
        ),
        *(
            Path("supervisor/store/ports") / f"{noun}.py"
            for noun in (
                *("agents", "approvals", "audit", "budgets", "changes"),
                *("keys", "ledger", "outbox", "sessions", "turns"),
            )
        ),
        *(
            Path("supervisor/store/ports/people") / f"{noun}.py"
            for noun in ("accounts", "passkeys", "passphrases", "sign_in")
        ),
        Path("supervisor/store/ports/cluster/nodes.py"),
        Path("supervisor/store/ports/lists/lists.py"),
        *(
            Path("supervisor/store/records") / f"{noun}.py"
            for noun in (
                *("acceptance", "accounts", "agents", "changes", "charge", "outbox", "outcome"),
                *("chat", "result", "session", "tool_call", "turn"),
            )
        ),
        # Two lines that start the command line; test_wheel.py runs them.
        Path("supervisor/__main__.py"),
        Path("cli/terminal/events.py"),
        # Defaults and one line: every other test of the connector goes through them.
        Path("connectors/claude_code/config.py"),
        Path("connectors/claude_code/plugin.py"),
    }
)

TESTED_BESIDE = {
    Path("supervisor/store/copying/copied.py"): Path("tests/supervisor/store/copying/test_copy.py"),
    Path("connectors/assistant/config.py"): Path("tests/connectors/assistant/test_plugin.py"),
    Path("connectors/assistant/opening.py"): Path("tests/connectors/assistant/test_conversation.py"),
    Path("supervisor/protocol/ports/channel.py"): Path("tests/supervisor/protocol/test_ports.py"),
    Path("channels/sms/reports.py"): Path("tests/channels/sms/test_webhooks.py"),
    Path("connectors/claude_code/launcher.py"): Path("tests/connectors/claude_code/test_connector.py"),
    Path("connectors/claude_code/protocol/usage.py"): Path("tests/connectors/claude_code/protocol/test_turns.py"),
    Path("supervisor/cluster/link/acts.py"): Path("tests/supervisor/cluster/link/test_link.py"),
    Path("supervisor/cluster/link/errors.py"): Path("tests/supervisor/cluster/link/test_link.py"),
    Path("supervisor/cluster/link/peer.py"): Path("tests/supervisor/cluster/link/test_link.py"),
    Path("supervisor/store/ports/cluster/elsewhere.py"): Path("tests/supervisor/store/contract_elsewhere.py"),
    Path("supervisor/store/ports/cluster/notices.py"): Path("tests/supervisor/store/postgres/test_notices.py"),
    Path("supervisor/store/ports/cluster/resources.py"): Path("tests/supervisor/store/contract_resources.py"),
    Path("supervisor/store/lists/elsewhere.py"): Path("tests/supervisor/store/contract_elsewhere.py"),
    Path("supervisor/store/cluster/resources.py"): Path("tests/supervisor/store/contract_resources.py"),
    Path("supervisor/store/people/version.py"): Path("tests/supervisor/store/contract_elsewhere.py"),
    Path("supervisor/turns/elsewhere/work.py"): Path("tests/supervisor/turns/lanes/test_resources.py"),
    Path("supervisor/config/auth.py"): Path("tests/supervisor/config/test_oidc.py"),
    Path("supervisor/operations/owner/sessions.py"): Path("tests/supervisor/operations/owner/test_owners.py"),
    Path("supervisor/operations/owner/undo.py"): Path("tests/supervisor/operations/owner/test_owners.py"),
    Path("supervisor/config/checks.py"): Path("tests/supervisor/config/test_loading.py"),
    Path("packages/python/xswarm_client/session.py"): Path("tests/packages/python/xswarm_client/test_client.py"),
    Path("supervisor/wires/chat/frames.py"): Path("tests/supervisor/wires/chat/test_codec.py"),
    Path("supervisor/wires/chat/connection.py"): Path("tests/supervisor/wires/chat/test_protocol.py"),
    Path("supervisor/wires/chat/search.py"): Path("tests/supervisor/wires/chat/test_routes.py"),
    Path("supervisor/operations/chats/search.py"): Path("tests/supervisor/wires/chat/test_routes.py"),
    Path("supervisor/wires/chat/rooms/audience.py"): Path("tests/supervisor/wires/chat/rooms/test_dialogue.py"),
    Path("supervisor/wires/chat/rooms/services.py"): Path("tests/supervisor/wires/chat/rooms/test_room.py"),
    Path("supervisor/membership.py"): Path("tests/cluster/test_takeover.py"),
    Path("supervisor/cluster/watching.py"): Path("tests/supervisor/cluster/test_watchdog.py"),
    Path("supervisor/wires/stoppable.py"): Path("tests/supervisor/wires/test_standby.py"),
    Path("supervisor/models/loopback_server.py"): Path("tests/supervisor/models/test_api_server.py"),
    Path("supervisor/models/published.py"): Path("tests/supervisor/models/test_prices.py"),
    Path("supervisor/tools/claude_code/session_tools.py"): Path("tests/supervisor/tools/claude_code/test_gateway.py"),
    **{
        # One test calls real servers through all of them.
        Path("supervisor/tools/servers") / name: Path("tests/supervisor/tools/servers/test_servers.py")
        for name in ("answer.py", "keeper.py", "process.py", "server.py", "transport.py")
    },
    **{
        # One test signs in through all of them.
        Path("supervisor/wires/rest/auth") / f"{noun}.py": Path("tests/supervisor/wires/rest/auth/test_routes.py")
        for noun in ("approvals", "links", "oidc", "pages", "passkeys", "sessions", "visitors")
    },
    **{
        Path("supervisor/people/sign_in") / f"{path}.py": Path("tests/supervisor/people/sign_in") / f"{test}.py"
        for path, test in (
            ("ceremony", "test_passkeys"),
            ("site", "test_passkeys"),
            ("oidc/port", "oidc/test_sign_in"),
        )
    },
    Path("supervisor/undo/checkpoints/records.py"): Path("tests/supervisor/undo/checkpoints/test_shadow.py"),
    Path("supervisor/operations/changes/reviews.py"): Path("tests/supervisor/wires/rest/changes/test_reviews.py"),
    **{
        # One test sends files through all of them.
        Path("supervisor") / f"{path}.py": Path("tests/supervisor/wires/rest/test_uploads.py")
        for path in (
            "operations/uploads/uploads",
            "operations/uploads/media_types",
            "operations/chats/attachments",
            "background/uploads",
            "store/people/uploads",
            "store/ports/people/uploads",
        )
    },
    Path("supervisor/operations/changes/changes.py"): Path("tests/supervisor/wires/rest/changes/test_changes.py"),
    Path("supervisor/operations/administration.py"): Path("tests/supervisor/wires/rest/admin/test_admin.py"),
    Path("supervisor/protocol/codes.py"): Path("tests/supervisor/commands/reading/test_words.py"),
    **{
        # One test drives a real server through all of them.
        Path("supervisor/store/postgres") / f"{noun}.py": Path("tests/supervisor/store/postgres/test_database.py")
        for noun in ("checks", "connection", "inspection", "opening", "store", "thread")
    },
    Path("supervisor/demo/twilio_book.py"): Path("tests/supervisor/demo/test_twilio.py"),
    Path("examples/residency/__main__.py"): Path("tests/examples/residency/test_main.py"),
    **{
        # They are made to be put together: what counts is the year that comes out.
        Path("examples/residency/seed") / f"{noun}.py": Path("tests/examples/residency/seed/test_year.py")
        for noun in ("leave", "patterns", "people", "planted", "rotations", "weekends", "work")
    },
    **{path: Path("tests/supervisor/test_daemon.py") for path in python_files("supervisor/core")},
    **{
        # Tables of sentences: one test reads them all.
        path: Path("tests/packaging/test_sentences.py")
        for path in (
            *python_files("supervisor/sentences"),
            Path("channels/mail/sentences.py"),
            Path("channels/sms/sentences.py"),
        )
    },
    **{
        # The contract of a store names no engine and so no module of one.
        Path("supervisor/store") / name: Path("tests/supervisor/store/contract.py")
        for name in (
            *(
                "cluster/nodes.py",
                "control/audit.py",
                "control/folders.py",
                "control/keys.py",
                "drafts.py",
                "rows.py",
                "store.py",
            ),
            *(
                "messages/accept.py",
                "messages/chats.py",
                "messages/dedup.py",
                "messages/finish.py",
                "messages/history.py",
            ),
            *("control/claims.py", "control/rates.py", "control/references.py"),
            *("messages/outbox.py", "messages/search.py", "messages/sessions.py", "messages/start.py"),
            *("messages/tool_calls.py", "messages/turns.py", "people/accounts.py", "sqlite/backup.py"),
            *("listeners.py", "migrations.py", "transaction.py", "sqlite/search.py", "sqlite/store.py"),
            *("money/charges.py", "money/cost.py", "money/disagreements.py", "money/ledger.py"),
        )
    },
}
"""Modules that are tested with a neighbour, and where."""


def test_no_file_is_longer_than_400_lines_and_no_test_longer_than_600() -> None:
    shipped = python_files(*SHIPPED, *EXAMPLES, *CLIENT, "benchmarks")
    assert_none(path for path in shipped if len(_text(path).splitlines()) > MAX_LINES)
    assert_none(path for path in python_files("tests") if len(_text(path).splitlines()) > MAX_LINES_OF_TESTS)


def test_every_file_starts_with_the_future_import() -> None:
    # It is read from the text: to parse every test takes seconds.
    begin = re.compile(r'''("""((?!""").)*"""\n)?(#[^\n]*\n|\n)*from __future__ import annotations\n''', re.DOTALL)
    assert_none(path for path in python_files(*PACKAGES, *CLIENT) if not begin.match(_text(path)))


def test_every_module_says_what_it_is_for() -> None:
    modules = python_files(*SHIPPED, *EXAMPLES, *CLIENT, "benchmarks")
    assert_none(path for path in modules if not re.match(r'''r?"""\s*[^\s"]''', _text(path)))


def test_only_command_line_and_benchmarks_print() -> None:
    loud = set(python_files(*MAY_PRINT))
    quiet = (path for path in python_files(*PACKAGES, *CLIENT) if path not in loud)
    assert_none(path for path in quiet if "print(" in _text(path) and _prints(parsed(path)))


def test_init_files_hold_a_docstring_and_nothing_else() -> None:
    inits = {path for path in python_files(*PACKAGES, *CLIENT) if path.name == "__init__.py"}
    assert_none(path for path in inits - FRONT_DOORS if len(parsed(path).body) > 2)


def test_every_folder_of_python_files_is_a_package() -> None:
    # Without it tests/channels would hide channels.
    folders = {path.parent for path in python_files(*PACKAGES)}
    assert_none(folder for folder in folders if not (ROOT / folder / "__init__.py").is_file())


def test_every_module_has_its_own_test_file() -> None:
    modules = {path for path in python_files(*SHIPPED, *EXAMPLES, *CLIENT) if path.name != "__init__.py"}
    assert_none(
        path for path in modules - WITHOUT_OWN_TESTS - TESTED_BESIDE.keys() if not (ROOT / _test_file(path)).is_file()
    )


def test_exceptions_name_files_that_exist() -> None:
    named = {*FRONT_DOORS, *WITHOUT_OWN_TESTS, *TESTED_BESIDE, *TESTED_BESIDE.values()}
    assert_none(path for path in named if not (ROOT / path).is_file())


def assert_none(offenders: Iterable[Path]) -> None:
    """Fail with every path, one a line."""
    paths = sorted(offenders)
    assert not paths, "\n".join(map(str, paths))


def _test_file(module: Path) -> Path:
    """Return where `module` is tested: supervisor/delivery/outbox.py -> tests/supervisor/delivery/test_outbox.py."""
    return Path("tests") / module.parent / f"test_{module.name.lstrip('_')}"


def _text(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def _prints(module: ast.Module) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        for node in ast.walk(module)
    )
