"""Check values tell whether two nodes have the same keys; reading them generates no key."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.cluster.keys import key_checks, note_audit_key
from supervisor.runtime.credentials import Credentials
from supervisor.runtime.state import audit_key, keep_audit_key
from supervisor.store.ports.cluster.nodes import OF_AUDIT, NewNode
from supervisor.store.sqlite.store import open_store
from tests.supervisor.store.builders import seal
from tests.supervisor.store.postgres.cluster.test_nodes import joined

SECRET = {"XSWARM_CLUSTER_SECRET": "the secret that all nodes have, 32 bytes"}
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
        await note_audit_key(store, alone)
        noted = key_checks(alone).audit
        assert noted is not None
        assert await store.keys.get_mark(OF_AUDIT) == noted
        await note_audit_key(store, Credentials(tmp_path / "b", SECRET))
        assert await store.keys.get_mark(OF_AUDIT) == noted


async def test_sqlite_which_serves_one_node_notes_nothing(tmp_path: Path) -> None:
    alone = Credentials(tmp_path, {})
    store = await open_store(tmp_path / "xswarm.db", seal=seal)
    try:
        await note_audit_key(store, alone)
        assert key_checks(alone).audit is not None
        assert await store.keys.get_mark(OF_AUDIT) is None
    finally:
        await store.close()
