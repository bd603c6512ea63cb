"""Questions about tool calls: a question, its code and the replies that ask it are one transaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from supervisor.protocol.codes import CodeKind
from supervisor.protocol.messages import ProjectName, SessionId, UserId
from supervisor.store.cluster.nodes import is_dead
from supervisor.store.control.codes import close, issue
from supervisor.store.drafts import add_drafts
from supervisor.store.engine import Database, Reader
from supervisor.store.ports.approvals import Approval, ApprovalState, NewApproval, Refused
from supervisor.store.ports.cluster.notices import Topic
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.turn import Turn
from supervisor.store.transaction import Transaction, to_json

_RUNS = "SELECT 1 FROM turns WHERE id = ? AND state = 'running' AND epoch = ?"
_COLUMNS = (
    "id, turn_id, session_id, user_id, project, tool_use_id, tool, risk, channel, call_sha256, summary, expires_ms, "
    "code, state, consumed_ms, epoch, content_sha256, kept, call, diff, input, thread, way"
)
_READ = f"{_COLUMNS}, decided_by, note"
_GET = f"SELECT {_READ} FROM approvals WHERE id = ?"
_OF_CALL = f"SELECT {_READ} FROM approvals WHERE session_id = ? AND tool_use_id = ?"
_FIND = f"SELECT {_READ} FROM approvals WHERE code = ? OR id = ?"
# Whichever node asked: its turn waits for the answer, or a restart interrupted it and the question was kept.
_COUNTS = f"""
    EXISTS (SELECT 1 FROM turns WHERE id = approvals.turn_id
            AND (state = 'running' AND epoch = approvals.epoch AND NOT {is_dead("approvals.epoch")}
                 OR state = 'interrupted' AND (approvals.kept = 1 OR approvals.epoch = :epoch)))
"""
_OPEN = f"""
    SELECT {_READ} FROM approvals
    WHERE state = 'open' AND expires_ms > :now_ms AND {_COUNTS}
    ORDER BY asked_ms, id
"""
_ADD = f"""
    INSERT INTO approvals ({_COLUMNS}, asked_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', NULL, ?, ?, 0, ?, ?, ?, ?, ?, ?)
"""
_ALLOW = f"""
    UPDATE approvals SET state = 'allowed', decided_by = :by, decided_ms = :now_ms
    WHERE id = :id AND state = 'open' AND expires_ms > :now_ms AND {_COUNTS}
"""
_DENY = """
    UPDATE approvals SET state = 'denied', decided_by = ?, decided_ms = ?, note = ?
    WHERE id = ? AND state IN ('open', 'allowed') AND consumed_ms IS NULL
"""
_CONSUME = """
    UPDATE approvals SET consumed_ms = :now_ms
    WHERE id = :id AND state = 'allowed' AND consumed_ms IS NULL AND call_sha256 = :sha256 AND epoch = :epoch
      AND EXISTS (SELECT 1 FROM turns WHERE id = approvals.turn_id AND state = 'running' AND epoch = :epoch)
"""
_CLOSE = """
    UPDATE approvals SET state = ?, decided_ms = ?
    WHERE id = ? AND state IN ('open', 'allowed') AND consumed_ms IS NULL
"""
_UNUSED = "state IN ('open', 'allowed') AND consumed_ms IS NULL AND expires_ms > :now_ms"
_OF_TURN = f"SELECT {_READ} FROM approvals WHERE turn_id = :turn_id AND {_UNUSED} ORDER BY asked_ms, id"
_NOT_RUN = "SELECT tool_use_id FROM approvals WHERE turn_id = ? AND consumed_ms IS NULL ORDER BY id"
_KEEP = f"""
    UPDATE approvals SET kept = 1, epoch = :epoch
    WHERE {_UNUSED} AND {is_dead()}
      AND EXISTS (SELECT 1 FROM turns WHERE id = approvals.turn_id AND state = 'interrupted')
"""
_SUSPEND = f"UPDATE approvals SET kept = 1 WHERE id = :id AND {_UNUSED} AND epoch = :epoch"
_GO_ON = """
    UPDATE turns SET renamed = renamed + 1
    WHERE id = (SELECT turn_id FROM approvals WHERE id = ?) AND state = 'running' AND epoch = ?
"""
_RENAMED = "SELECT renamed FROM turns WHERE id = (SELECT turn_id FROM approvals WHERE id = ?)"
# A yes is valid in the turn that asked and in the turn that continues its work, if that came by the same channel.
_REDEEM = """
    UPDATE approvals SET consumed_ms = :now_ms
    WHERE id = (
        SELECT a.id FROM approvals AS a JOIN turns AS t ON t.id = :turn_id AND a.turn_id IN (t.id, t.resumes)
        WHERE a.session_id = :session_id AND a.kept = 1 AND a.state = 'allowed' AND a.consumed_ms IS NULL
          AND a.content_sha256 = :sha256 AND a.decided_ms > :since_ms
          AND a.user_id = t.user_id AND a.channel = t.channel AND a.way = t.way
        LIMIT 1)
"""
_WITHDRAW = f"""
    UPDATE approvals SET state = 'withdrawn', decided_ms = :now_ms
    WHERE turn_id = :turn_id AND consumed_ms IS NULL AND (state = 'open' OR state = 'allowed' AND :allowed = 1)
    RETURNING {_READ}
"""
_OUTDATE = """
    UPDATE approvals SET state = 'withdrawn', decided_ms = ?
    WHERE session_id = ? AND kept = 1 AND state = 'allowed' AND consumed_ms IS NULL
    RETURNING id
"""
_GRANT = "INSERT INTO grants (approval_id, user_id, project, tool, risk, until_ms, epoch) VALUES (?, ?, ?, ?, ?, ?, ?)"
_REVOKE = "DELETE FROM grants WHERE approval_id = ?"
_REVOKE_OPEN = "DELETE FROM grants WHERE approval_id = ? AND until_ms > ?"
_GRANTED = """
    SELECT 1 FROM grants AS g JOIN approvals AS a ON a.id = g.approval_id
    WHERE g.user_id = ?1 AND g.project = ?2 AND g.tool = ?3 AND g.risk = ?4 AND g.until_ms > ?5
      AND (CAST(?6 AS TEXT) IS NULL OR ?6 = CASE WHEN a.way IN ('mail', 'sms') THEN a.way ELSE a.channel END)
    LIMIT 1
"""


class SqlApprovals:
    """`ApprovalStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ask(
        self,
        new: NewApproval,
        questions: Callable[[str], Sequence[OutboxDraft]],
        *,
        now_ms: int,
    ) -> Approval | None:
        """Record a question with its code, and write the replies that ask it."""

        def work(tx: Transaction) -> Approval | None:
            if tx.one(_RUNS, (new.turn_id, tx.epoch)) is None:
                return None
            if (row := tx.one(_OF_CALL, (new.session_id, new.tool_use_id))) is not None:
                return _approval(row)
            code = issue(tx, CodeKind.APPROVAL, new.id, new.user_id, new.expires_ms)
            tx.execute(
                _ADD,
                (
                    *(new.id, new.turn_id, new.session_id, new.user_id, new.project, new.tool_use_id, new.tool),
                    *(new.risk, new.channel, new.call_sha256, new.summary, new.expires_ms, code, tx.epoch),
                    *(new.content_sha256, new.text, new.diff, "" if new.input is None else to_json(new.input)),
                    *(new.thread, new.way, now_ms),
                ),
            )
            add_drafts(tx, questions(code), new.turn_id, new.user_id, now_ms)
            detail = {"id": new.id, "user": new.user_id, "risk": new.risk}
            tx.record("supervisor", "approval.asked", detail, now_ms, channel=new.channel)
            return _approval(tx.execute(_GET, (new.id,)).fetchone())

        return await self._database.write(work)

    async def allow(
        self, approval_id: str, by: str, *, way: str, source: str = "", minutes: int = 0, note: str = "", now_ms: int
    ) -> bool:
        """open -> allowed, with a grant if `minutes` is not 0."""

        def work(tx: Transaction) -> bool:
            values = {"id": approval_id, "by": by, "now_ms": now_ms, "epoch": tx.epoch}
            if tx.execute(_ALLOW, values).rowcount == 0:
                return False
            tx.notify(Topic.APPROVAL, approval_id)
            approval = _approval(tx.execute(_GET, (approval_id,)).fetchone())
            close(tx, approval.code, now_ms)
            if minutes:
                scope = (approval.user_id, approval.project, approval.tool, approval.risk)
                tx.execute(_GRANT, (approval_id, *scope, now_ms + minutes * 60_000, tx.epoch))
            detail = {"id": approval_id, "minutes": minutes, "way": way, **_noted(source, note)}
            tx.record(by, "approval.allowed", detail, now_ms)
            return True

        return await self._database.write(work)

    async def deny(self, approval_id: str, by: str, *, way: str, source: str = "", note: str = "", now_ms: int) -> bool:
        """open or allowed -> denied; if the call has run, only its grant ends."""

        def work(tx: Transaction) -> bool:
            values = (by, now_ms, note, approval_id)
            detail = {"way": way, **_noted(source, note)}
            if _ended(tx, _DENY, values, approval_id, by, "approval.denied", now_ms, **detail):
                return True
            if not tx.changed(_REVOKE_OPEN, (approval_id, now_ms)):
                return False
            tx.record(by, "approval.grant_ended", {"id": approval_id, **detail}, now_ms)
            return True

        return await self._database.write(work)

    async def refused(
        self, approval_id: str, by: str, *, why: Refused, allow: bool, way: str, source: str = "", now_ms: int
    ) -> None:
        """Leave an entry about a refused answer."""
        answer = "allow" if allow else "deny"
        detail = {"id": approval_id, "answer": answer, "why": why.value, "way": way, **_noted(source, "")}
        await self._database.write(lambda tx: tx.record(by, "approval.refused", detail, now_ms))

    async def consume(self, approval_id: str, call_sha256: bytes, *, now_ms: int) -> bool:
        """Consume the permission for a call, once."""

        def work(tx: Transaction) -> bool:
            values = {"id": approval_id, "sha256": call_sha256, "now_ms": now_ms, "epoch": tx.epoch}
            return tx.execute(_CONSUME, values).rowcount > 0

        return await self._database.write(work)

    async def of_turn(self, turn_id: int, *, now_ms: int) -> list[Approval]:
        """Return the questions of a turn whose calls have not run and still may run, oldest first."""
        given = {"turn_id": turn_id, "now_ms": now_ms}
        return await self._database.read(
            lambda connection: [_approval(row) for row in connection.execute(_OF_TURN, given)]
        )

    async def not_run(self, turn_id: int) -> list[str]:
        """Return the `tool_use_id` of each call of a turn that was asked about and has not run."""
        return await self._database.read(
            lambda connection: [name for (name,) in connection.execute(_NOT_RUN, (turn_id,))]
        )

    async def keep(self, *, now_ms: int) -> int:
        """Keep the questions of turns that a restart interrupted; return how many there are."""
        return await self._database.write(lambda tx: tx.execute(_KEEP, {"now_ms": now_ms, "epoch": tx.epoch}).rowcount)

    async def suspend(self, approval_id: str, *, now_ms: int) -> bool:
        """Keep a question without the process that asked it."""
        return await self._database.write(
            lambda tx: tx.execute(_SUSPEND, {"id": approval_id, "now_ms": now_ms, "epoch": tx.epoch}).rowcount > 0
        )

    async def go_on(self, approval_id: str) -> int:
        """Count that the turn of a question gets its prompt again under another id; return the new count."""

        def work(tx: Transaction) -> int:
            tx.execute(_GO_ON, (approval_id, tx.epoch))
            return int(tx.execute(_RENAMED, (approval_id,)).fetchone()[0])

        return await self._database.write(work)

    async def redeem(self, turn: Turn, content_sha256: bytes, *, since_ms: int, now_ms: int) -> bool:
        """Consume the permission of a kept question for the same call, made again."""
        whose = {"session_id": turn.session_id, "turn_id": turn.id}
        values = {**whose, "sha256": content_sha256, "since_ms": since_ms, "now_ms": now_ms}
        return await self._database.write(lambda tx: tx.execute(_REDEEM, values).rowcount > 0)

    async def outdate(self, session_id: SessionId, *, now_ms: int) -> None:
        """allowed -> withdrawn, of kept questions."""

        def work(tx: Transaction) -> None:
            for (approval_id,) in sorted(tx.execute(_OUTDATE, (now_ms, session_id)).fetchall()):
                tx.record("supervisor", "approval.outdated", {"id": approval_id}, now_ms)

        await self._database.write(work)

    async def withdraw(self, turn_id: int, *, allowed: bool, now_ms: int) -> list[Approval]:
        """open, or with `allowed` also allowed and not consumed -> withdrawn, of the questions of a turn."""

        def work(tx: Transaction) -> list[Approval]:
            values = {"turn_id": turn_id, "allowed": allowed, "now_ms": now_ms}
            withdrawn = [_approval(row) for row in tx.execute(_WITHDRAW, values).fetchall()]
            for approval in withdrawn:
                _end(tx, approval.id, approval.code, now_ms)
                tx.record("supervisor", "approval.withdrawn", {"id": approval.id}, now_ms)
            return withdrawn

        return await self._database.write(work)

    async def close(self, approval_id: str, state: ApprovalState, *, now_ms: int) -> bool:
        """open or allowed -> expired or withdrawn."""

        def work(tx: Transaction) -> bool:
            values = (state, now_ms, approval_id)
            return _ended(tx, _CLOSE, values, approval_id, "supervisor", f"approval.{state}", now_ms)

        return await self._database.write(work)

    async def find(self, name: str) -> Approval | None:
        """Return the question with a code or an id; None = there is none."""

        def work(connection: Reader) -> Approval | None:
            row = connection.execute(_FIND, (name, name)).fetchone()
            return _approval(row) if row is not None else None

        return await self._database.read(work)

    async def open_now(self, *, now_ms: int) -> list[Approval]:
        """Return the open questions, oldest first."""
        values = {"now_ms": now_ms, "epoch": self._database.epoch}
        return await self._database.read(
            lambda connection: [_approval(row) for row in connection.execute(_OPEN, values)]
        )

    async def granted(
        self, user_id: UserId, project: ProjectName, tool: str, risk: str, *, channel: str | None = None, now_ms: int
    ) -> bool:
        """Return whether a grant covers such calls now."""
        values = (user_id, project, tool, risk, now_ms, channel)
        return await self._database.read(lambda connection: connection.execute(_GRANTED, values).fetchone() is not None)


def _noted(source: str, note: str) -> dict[str, str]:
    """Return the part of an audit entry that says from where and why a question was decided; left out where empty."""
    return {name: told for name, told in (("from", source), ("note", note)) if told}


def _ended(
    tx: Transaction,
    sql: str,
    values: tuple[Any, ...],
    approval_id: str,
    by: str,
    event: str,
    now_ms: int,
    **detail: str,
) -> bool:
    """End a question whose call has not run, with its code and its grant; False = it is in another state."""
    if not tx.changed(sql, values):
        return False
    _end(tx, approval_id, tx.execute(_GET, (approval_id,)).fetchone()[12], now_ms)
    tx.record(by, event, {"id": approval_id, **detail}, now_ms)
    return True


def _end(tx: Transaction, approval_id: str, code: str, now_ms: int) -> None:
    """Close the code of a question and end its grant."""
    close(tx, code, now_ms)
    tx.execute(_REVOKE, (approval_id,))
    tx.notify(Topic.APPROVAL, approval_id)


def _approval(row: tuple[Any, ...]) -> Approval:
    return Approval(
        id=row[0],
        turn_id=row[1],
        session_id=SessionId(row[2]),
        user_id=UserId(row[3]),
        project=ProjectName(row[4]),
        tool_use_id=row[5],
        tool=row[6],
        risk=row[7],
        channel=row[8],
        call_sha256=row[9],
        summary=row[10],
        expires_ms=row[11],
        code=row[12],
        state=ApprovalState(row[13]),
        consumed=row[14] is not None,
        epoch=row[15],
        content_sha256=row[16] or b"",
        kept=bool(row[17]),
        text=row[18] or row[10],  # an older version stored no whole call
        diff=row[19],
        input=json.loads(row[20]) if row[20] else None,
        thread=row[21],
        way=row[22],
        decided_by=row[23],
        note=row[24],
    )
