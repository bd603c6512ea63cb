"""`xswarm user` over the admin API."""

from __future__ import annotations

from tests.cli.conftest import Command, command_line, process_environment, run_process
from tests.cli.daemon_stand_in import DaemonStandIn
from tests.cli.terminal_process import TerminalProcess

ALICE = (
    "user add alice --role admin --name Alice --phone +15550100 --phone +15550101"
    " --email alice@example.com --project website"
).split()


def test_user_is_added_with_all_that_was_said(daemon: DaemonStandIn, xswarm: Command) -> None:
    outcome = xswarm(*ALICE)
    assert (outcome.code, outcome.out) == (0, "alice is ADMIN.\n")
    assert daemon.admin_requests[-1] == (
        "PUT",
        "users/alice",
        {
            "name": "Alice",
            "role": "ADMIN",
            "phones": ["+15550100", "+15550101"],
            "emails": ["alice@example.com"],
            "projects": ["website"],
        },
    )


def test_user_that_exists_is_replaced_on_demand_only(daemon: DaemonStandIn, xswarm: Command) -> None:
    xswarm(*ALICE)
    outcome = xswarm("user", "add", "alice", "--role", "operator")
    assert outcome.code == 1
    assert "--replace" in outcome.err
    assert daemon.records.users["alice"]["role"] == "ADMIN"
    assert xswarm("user", "add", "alice", "--role", "operator", "--replace", "--json").document["role"] == "OPERATOR"


def test_users_are_listed(daemon: DaemonStandIn, xswarm: Command) -> None:
    assert "xswarm user add" in xswarm("user", "list").err
    xswarm(*ALICE)
    *_, row = xswarm("user", "list").out.splitlines()
    assert row.split() == ["alice", "Alice", "ADMIN", "+15550100,", "+15550101", "alice@example.com", "website"]
    assert [user["id"] for user in xswarm("user", "list", "--json").document] == ["alice"]


def test_in_a_window_each_address_has_a_row_of_its_own(daemon: DaemonStandIn, xswarm: Command) -> None:
    mails = [f"alice.{number}@mail.example.com" for number in range(12)]
    xswarm(*ALICE, *(part for mail in mails for part in ("--email", mail)))
    with TerminalProcess(command_line("user", "list"), process_environment(), columns=100) as terminal:
        assert terminal.wait() == 0
        terminal.wait_for(mails[-1])
        rows = terminal.text.splitlines()
    assert all(sum(mail in row for row in rows) == 1 for mail in mails)
    assert not [row for row in rows if row.count("@") > 1]


def test_user_is_shown_with_the_origin_of_their_projects(daemon: DaemonStandIn, xswarm: Command) -> None:
    xswarm(*ALICE)
    assert "website (from `xswarm user add`)" in xswarm("user", "show", "alice").out
    assert xswarm("user", "show", "alice", "--json").document["name"] == "Alice"


def test_user_is_removed(daemon: DaemonStandIn, xswarm: Command) -> None:
    xswarm(*ALICE)
    assert xswarm("user", "remove", "alice").out == "alice is removed.\n"
    assert daemon.records.users == {}


def test_unknown_user_is_exit_code_4(daemon: DaemonStandIn, xswarm: Command) -> None:
    for command in ("show", "remove"):
        outcome = xswarm("user", command, "bob")
        assert (outcome.code, outcome.out) == (4, "")


def test_unknown_role_is_wrong_usage(daemon: DaemonStandIn, xswarm: Command) -> None:
    assert xswarm("user", "add", "bob", "--role", "king").code == 2
    assert daemon.admin_requests == []


def test_a_passphrase_is_read_from_stdin_and_shown_nowhere(daemon: DaemonStandIn) -> None:
    outcome = run_process("user", "passphrase", "alice", stdin="correct horse battery\n")
    assert (outcome.code, outcome.out) == (0, "alice has a passphrase.\n")
    assert daemon.admin_requests[-1] == ("PUT", "users/alice/passphrase", {"passphrase": "correct horse battery"})
    assert "horse" not in outcome.out + outcome.err


def test_a_passphrase_is_forgotten(daemon: DaemonStandIn, xswarm: Command) -> None:
    assert xswarm("user", "passphrase", "alice", "--remove").code == 0
    assert daemon.admin_requests[-1][:2] == ("DELETE", "users/alice/passphrase")
