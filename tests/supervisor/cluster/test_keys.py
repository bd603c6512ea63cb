"""Check values tell whether two nodes have the same keys; reading them generates no key."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.cluster.keys import differing, key_checks, note_audit_key, secret_checks, tell_secrets
from supervisor.runtime.credentials import Credentials
from supervisor.runtime.state import audit_key, jwt_key, keep_audit_key
from supervisor.store.ports.cluster.nodes import OF_AUDIT, NewNode, Node
from supervisor.store.sqlite.store import open_store
from tests.supervisor.store.builders import seal
from tests.supervisor.store.postgres.cluster.test_nodes import joined

SECRET = {"XSWARM_CLUSTER_SECRET": "the secret that all nodes have, 32 bytes"}
TOKEN = "a secret of a provider, with 32 bytes"
OTHER = {"XSWARM_CLUSTER_SECRET": "another secret, with 32 bytes or more"}


def test_nodes_with_one_secret_have_the_same_check_values_and_others_have_not(tmp_path: Path) -> None:
    a, b = (key_checks(Credentials(tmp_path / name, SECRET)) for name in "ab")
    assert a == b
    assert None not in (a.cluster, a.audit)
    assert a.cluster != a.audit
    other = key_checks(Credentials(tmp_path / "a", OTHER))
    assert not {other.cluster, other.audit} & {a.cluster, a.audit}
    assert not list(tmp_path.iterdir())


def test_without_keys_there_is_nothing_to_compare_and_none_is_generated(tmp_path: Path) -> None:
    checks = key_checks(Credentials(tmp_path, {}))
    assert (checks.cluster, checks.audit) == (None, None)
    assert not list(tmp_path.iterdir())


def test_the_key_of_the_trail_is_that_of_the_state_where_one_was_generated(tmp_path: Path) -> None:
    audit_key(Credentials(tmp_path, {}))
    alone = key_checks(Credentials(tmp_path, {}))
    assert alone.cluster is None
    assert key_checks(Credentials(tmp_path, SECRET)).audit == alone.audit is not None


def test_a_trail_that_was_kept_has_its_key_under_another_secret_too(tmp_path: Path) -> None:
    before = key_checks(Credentials(tmp_path, SECRET))
    keep_audit_key(Credentials(tmp_path, SECRET))
    after = key_checks(Credentials(tmp_path, OTHER))
    assert after.audit == before.audit
    assert after.cluster != before.cluster


@pytest.mark.postgres
async def test_the_check_value_of_the_trails_key_is_noted_once(tmp_path: Path, url: str) -> None:
    alone = Credentials(tmp_path, {})
    async with joined(url, NewNode()) as store:
        await note_audit_key(store.keys, alone, has_others=store.notices is not None)
        noted = key_checks(alone).audit
        assert noted is not None
        assert await store.keys.get_mark(OF_AUDIT) == noted
        await note_audit_key(store.keys, Credentials(tmp_path / "b", SECRET), has_others=store.notices is not None)
        assert await store.keys.get_mark(OF_AUDIT) == noted


async def test_sqlite_which_serves_one_node_notes_nothing(tmp_path: Path) -> None:
    alone = Credentials(tmp_path, {})
    store = await open_store(tmp_path / "xswarm.db", seal=seal)
    try:
        await note_audit_key(store.keys, alone, has_others=store.notices is not None)
        assert key_checks(alone).audit is not None
        assert await store.keys.get_mark(OF_AUDIT) is None
    finally:
        await store.close()


# -- other secrets that all nodes should have in common

A, B = (NewNode(name=name, seat=name, lease_seconds=600.0) for name in "ab")


def asked(folder: Path, **environ: str) -> Credentials:
    """Return the credentials of a node that has asked for two secrets."""
    credentials = Credentials(folder, {**SECRET, **environ})
    credentials.common("TWILIO_AUTH_TOKEN")
    jwt_key(credentials)
    return credentials


def test_check_values_differ_by_name_by_value_and_by_the_secret_of_the_cluster(tmp_path: Path) -> None:
    one = secret_checks(asked(tmp_path, TWILIO_AUTH_TOKEN=TOKEN, XSWARM_JWT_SECRET=TOKEN))
    assert len({*one.values()}) == 2
    assert one == secret_checks(asked(tmp_path, TWILIO_AUTH_TOKEN=TOKEN, XSWARM_JWT_SECRET=TOKEN))
    assert secret_checks(asked(tmp_path, TWILIO_AUTH_TOKEN=TOKEN)) == {**one, "XSWARM_JWT_SECRET": 0}
    others = secret_checks(asked(tmp_path, TWILIO_AUTH_TOKEN=TOKEN, XSWARM_JWT_SECRET=TOKEN, **OTHER))
    assert not {*others.values()} & {*one.values()}


def test_what_a_node_does_not_tell_or_use_does_not_differ() -> None:
    def node(name: str, epoch: int, secrets: dict[str, int] | None) -> Node:
        return Node(name=name, epoch=epoch, url="", labels=(), version="", left_ms=1, secrets=secrets)

    nodes = [node("a", 1, {"x": 1, "y": 2}), node("b", 2, {"x": 1, "y": 3, "z": 4}), node("c", 3, None)]
    assert differing(nodes, 1) == {"b": ["y"]}
    assert differing(nodes, 2) == {"a": ["y"]}
    assert differing(nodes, 3) == {}


@pytest.mark.postgres
async def test_a_node_says_at_its_start_which_secrets_are_other_ones(
    tmp_path: Path, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with joined(url, A) as a, joined(url, B) as b:
        await tell_secrets(a.nodes, a.epoch, asked(tmp_path, TWILIO_AUTH_TOKEN=TOKEN), has_others=True)
        await tell_secrets(b.nodes, b.epoch, asked(tmp_path, TWILIO_AUTH_TOKEN=TOKEN), has_others=True)
        assert caplog.messages == []
        await tell_secrets(
            b.nodes, b.epoch, asked(tmp_path, TWILIO_AUTH_TOKEN=TOKEN, XSWARM_JWT_SECRET=TOKEN), has_others=True
        )
        assert caplog.messages == ["XSWARM_JWT_SECRET: other than at node a; all nodes need the same"]
        assert differing(await a.nodes.live(), a.epoch) == {"b": ["XSWARM_JWT_SECRET"]}
        assert TOKEN not in repr(await a.nodes.live())
        caplog.clear()
        await tell_secrets(
            a.nodes, a.epoch, asked(tmp_path, TWILIO_AUTH_TOKEN=TOKEN, XSWARM_JWT_SECRET=TOKEN), has_others=True
        )
        assert caplog.messages == []
