"""`xswarm mail`."""

from __future__ import annotations

from tests.cli.conftest import Command
from tests.cli.daemon_stand_in import DaemonStandIn

DROPPED = {
    "id": 7,
    "channel": "mail",
    "sender": "ada@example.org",
    "reason": "its DMARC result is not a pass",
    "at": "2026-11-29T12:00:00Z",
    "subject": "Build\x1b[2J",
    "message": "please",
    "kept": True,
    "let_in_at": None,
    "message_id": None,
}


def test_dropped_mails_are_listed_with_their_reasons(daemon: DaemonStandIn, xswarm: Command) -> None:
    assert "No mail was dropped." in xswarm("mail", "dropped").err
    daemon.records.dropped = [DROPPED, {**DROPPED, "id": 8, "kept": False, "reason": "nobody has the address x"}]
    listed = xswarm("mail", "dropped").out
    assert "its DMARC result is not a pass" in listed
    assert "not kept" in listed
    assert "\x1b" not in listed
    assert xswarm("mail", "dropped", "--json").document[0] == DROPPED


def test_a_kept_mail_is_let_in(daemon: DaemonStandIn, xswarm: Command) -> None:
    assert xswarm("mail", "let-in", "7").out == "Mail 7 was let in as message m7.\n"
    refused = xswarm("mail", "let-in", "8")
    assert refused.code == 1
    assert "Message 8 cannot be let in: it is not kept" in refused.err
