"""Two nodes know each other by the cluster's key; what is between them reads, changes and repeats nothing."""

from __future__ import annotations

import json

import pytest

from supervisor.cluster.link.seal import Handshake, Hello, NotOurs, Seal

KEY, OTHER = b"k" * 32, b"o" * 32


def sealed(key_a: bytes = KEY, key_b: bytes = KEY) -> tuple[Seal, Seal]:
    a, b = Handshake(key_a, "a", dialled=True), Handshake(key_b, "b", dialled=False)
    assert b.hear(a.hello.encode()).name == "a"
    assert a.hear(b.hello.encode()).name == "b"
    return a.check(b.proof()), b.check(a.proof())


def test_what_one_seals_the_other_opens_in_both_directions() -> None:
    a, b = sealed()
    assert [b.open(a.close(text)) for text in (b"one", b"two")] == [b"one", b"two"]
    assert a.open(b.close(b"three")) == b"three"
    assert b"one" not in a.close(b"one")


def test_a_node_with_another_secret_is_refused() -> None:
    with pytest.raises(NotOurs, match="another XSWARM_CLUSTER_SECRET"):
        sealed(KEY, OTHER)


def test_a_proof_counts_for_one_connection_and_one_role() -> None:
    a, b = Handshake(KEY, "a", dialled=True), Handshake(KEY, "b", dialled=False)
    b.hear(a.hello.encode())
    a.hear(b.hello.encode())
    with pytest.raises(NotOurs):
        b.check(b.proof())
    later = Handshake(KEY, "b", dialled=False)
    later.hear(a.hello.encode())
    with pytest.raises(NotOurs):
        later.check(a.proof())


def test_a_frame_that_is_changed_repeated_left_out_or_sent_back_does_not_open() -> None:
    a, b = sealed()
    first, second = a.close(b"first"), a.close(b"second")
    for wrong in (second, bytes([first[0] ^ 1]) + first[1:], b"", b.close(b"back")):
        with pytest.raises(NotOurs, match="changed, repeated or left out"):
            b.open(wrong)
    assert b.open(first) == b"first"
    with pytest.raises(NotOurs):
        b.open(first)


def test_a_node_of_the_same_name_is_refused() -> None:
    a, same = Handshake(KEY, "a", dialled=True), Handshake(KEY, "a", dialled=False)
    with pytest.raises(NotOurs, match="name of this node"):
        a.hear(same.hello.encode())


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"[]",
        b'"x"',
        b"[" * 100_000,
        b'{"name": "b"}',
        json.dumps({"name": 5, "challenge": "00" * 32}).encode(),
        json.dumps({"name": "b", "challenge": "zz"}).encode(),
        json.dumps({"name": "b", "challenge": "00" * 8}).encode(),
        json.dumps({"name": "b", "challenge": "00" * 32, "version": 2}).encode(),
    ],
)
def test_what_is_no_hello_is_refused(given: bytes) -> None:
    with pytest.raises(NotOurs):
        Hello.decode(given)
