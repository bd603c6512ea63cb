"""Dropped messages, over a real port."""

from __future__ import annotations

from dataclasses import replace

from tests.supervisor.harness import ALICE_MAIL
from tests.supervisor.helpers import text_message
from tests.supervisor.wires.http.serving import Served, refusal


async def test_a_dropped_mail_is_listed_and_let_in(served: Served) -> None:
    mail = replace(text_message("assistant: hello", phone=ALICE_MAIL, channel="mail"), subject="Hi")
    await served.core.intake.dropped("mail", ALICE_MAIL, "its DMARC result is not a pass", mail)
    await served.core.intake.dropped("mail", "eve@example.net", "nobody has the address eve@example.net")
    stranger, known = (await served.operator.get("/api/admin/dropped/mail")).json()["dropped"]
    assert (stranger["sender"], stranger["kept"], stranger["message"]) == ("eve@example.net", False, "")
    assert (known["reason"], known["kept"], known["subject"]) == ("its DMARC result is not a pass", True, "Hi")
    assert known["let_in_at"] is None

    response = await served.operator.post(f"/api/admin/dropped/{known['id']}/let-in")
    message_id = response.json()["message_id"]
    again = await served.operator.post(f"/api/admin/dropped/{known['id']}/let-in")
    assert again.json()["message_id"] == message_id
    (_, listed) = (await served.operator.get("/api/admin/dropped/mail")).json()["dropped"]
    assert listed["message_id"] == message_id
    assert listed["let_in_at"] is not None

    refused = await served.operator.post(f"/api/admin/dropped/{stranger['id']}/let-in")
    assert refusal(refused)[:2] == (409, "message_not_kept")
    assert (await served.operator.post("/api/admin/dropped/999/let-in")).status_code == 404
    assert (await served.operator.get("/api/admin/dropped/sms")).json() == {"dropped": []}


async def test_only_operators_see_them(served: Served) -> None:
    assert (await served.service.get("/api/admin/dropped/mail")).status_code in (401, 403)
