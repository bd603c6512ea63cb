"""Sockets that are taken before anything is served on them."""

from __future__ import annotations

import socket

import pytest

from supervisor.protocol.errors import ConfigError
from supervisor.wires.listening import bind


def test_a_port_in_use_is_a_sentence_that_names_the_key_and_what_to_do() -> None:
    taken = bind("127.0.0.1", 0, "http.port")
    port = taken.getsockname()[1]
    with pytest.raises(ConfigError) as caught:
        bind("127.0.0.1", port, "supervisor.port")
    taken.close()
    assert str(caught.value) == f"supervisor.port: port {port} of 127.0.0.1 is in use"
    assert caught.value.remedy


def test_an_address_that_cannot_be_had_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match=r"http\.port: cannot listen on port 8787 of 192\.0\.2\.1: "):
        bind("192.0.2.1", 8787, "http.port")


def test_a_port_can_be_taken_again_at_once() -> None:
    listener = bind("localhost", 0, "http.port")
    assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
    listener.close()
