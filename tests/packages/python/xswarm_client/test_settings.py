"""Where the daemon is: arguments before the environment, the environment before the defaults."""

from __future__ import annotations

import pytest

from xswarm_client.errors import NotConfigured
from xswarm_client.settings import settings


def test_the_defaults_are_a_daemon_on_this_machine() -> None:
    found = settings(environment={"XSWARM_TOKEN": " t \n"})
    assert (found.url, found.http_url, found.token) == ("ws://127.0.0.1:9999", "http://127.0.0.1:8787", "t")
    assert (found.user, found.project, found.is_local) == ("", "", True)
    assert "'t'" not in repr(found)


def test_an_argument_comes_before_the_environment_and_older_names_last() -> None:
    given = {
        "SUPERVISOR_WEBSOCKET_URL": "wss://old.example.test",
        "SUPERVISOR_TOKEN": "old",
        "XSWARM_USER": "alice",
        "XSWARM_PROJECT": "/srv/site",
    }
    found = settings(environment=given)
    assert (found.url, found.http_url) == ("wss://old.example.test", "https://old.example.test:8787")
    assert (found.token, found.user, found.project, found.is_local) == ("old", "alice", "/srv/site", False)
    given |= {"XSWARM_URL": "ws://[::1]:1", "XSWARM_TOKEN": "new", "XSWARM_HTTP_URL": "http://127.0.0.1:2/"}
    found = settings(environment=given)
    assert (found.url, found.http_url, found.token, found.is_local) == (
        "ws://[::1]:1",
        "http://127.0.0.1:2",
        "new",
        True,
    )
    found = settings("ws://[::1]:3", "mine", user="bob", project="/p", environment={})
    assert (found.http_url, found.token, found.user, found.project) == ("http://[::1]:8787", "mine", "bob", "/p")


@pytest.mark.parametrize("given", [{}, {"XSWARM_TOKEN": " "}, {"XSWARM_TOKEN": "t", "XSWARM_URL": "http://x"}])
def test_what_is_missing_is_told_with_the_remedy(given: dict[str, str]) -> None:
    with pytest.raises(NotConfigured) as missing:
        settings(environment=given)
    assert missing.value.remedy
