"""`[node]`, `[cluster]` and where projects live: what is accepted, and what SQLite refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from supervisor.config import (
    ClusterConfig,
    Config,
    LinkConfig,
    NodeConfig,
    ProjectConfig,
    Storage,
    check,
)
from supervisor.protocol.errors import ConfigError

POSTGRES = Config(store=Storage(url="postgresql://db/xswarm"))
LINK = LinkConfig(host="10.0.0.1", port=9900)


def projects(**keys: object) -> dict[str, ProjectConfig]:
    return {"site": replace(ProjectConfig(path="/srv/site"), **keys)}  # type: ignore[arg-type]


def test_a_node_with_everything_is_accepted_beside_postgresql() -> None:
    node = NodeConfig(name="a", labels=("gpu",), url="wss://a.example.org:443", lease_seconds=5.0, link=LINK)
    config = replace(POSTGRES, node=node, cluster=ClusterConfig(shared_dir="/srv/shared"))
    assert check(config) is config


@pytest.mark.parametrize("shared", ["/srv/site", "/srv/site/.xswarm"])
def test_what_nodes_share_lies_outside_every_project(shared: str) -> None:
    given = replace(POSTGRES, projects=projects(path="/srv/site"))
    with pytest.raises(ConfigError, match="lies in the folder of the project site") as refused:
        check(replace(given, cluster=ClusterConfig(shared_dir=shared)))
    assert refused.value.key == "cluster.shared_dir"
    around = replace(given, cluster=ClusterConfig(shared_dir="/srv"))
    assert check(around) is around


@pytest.mark.parametrize("keys", [{"nodes": ("a", "gpu")}, {"everywhere": True}])
def test_a_project_says_which_nodes_have_it(keys: dict[str, object]) -> None:
    config = replace(POSTGRES, projects=projects(**keys))
    assert check(config) is config


@pytest.mark.parametrize(
    ("config", "key"),
    [
        (Config(node=NodeConfig(name="a")), "node"),
        (Config(node=NodeConfig(link=LINK)), "node"),
        (Config(cluster=ClusterConfig(shared_dir="/srv/shared")), "cluster"),
        (Config(projects=projects(nodes=("a",))), "projects.site.nodes"),
        (Config(projects=projects(everywhere=True)), "projects.site.everywhere"),
    ],
)
def test_beside_sqlite_each_is_refused(config: Config, key: str) -> None:
    with pytest.raises(ConfigError, match="SQLite serves one") as refused:
        check(config)
    assert refused.value.key == key
    assert "store.url" in str(refused.value.remedy)


@pytest.mark.parametrize(
    ("node", "key"),
    [
        (NodeConfig(name="a b"), "node.name"),
        (NodeConfig(labels=("",)), "node.labels"),
        (NodeConfig(lease_seconds=1.0), "node.lease_seconds"),
        (NodeConfig(lease_seconds=float("nan")), "node.lease_seconds"),
        (NodeConfig(link=LinkConfig(host="10.0.0.1", port=70000)), "node.link.port"),
        (NodeConfig(link=LinkConfig(port=9900)), "node.link"),
        (NodeConfig(link=LinkConfig(host="10.0.0.1")), "node.link"),
        (NodeConfig(link=LinkConfig(host="0.0.0.0", port=9900)), "node.url"),
        (NodeConfig(url="ws://10.0.0.1:9900"), "node.url"),
        (NodeConfig(url="http://10.0.0.1:9900", link=LINK), "node.url"),
        (NodeConfig(url="ws://10.0.0.1", link=LINK), "node.url"),
        (NodeConfig(url="ws://u:p@10.0.0.1:9900", link=LINK), "node.url"),
        (NodeConfig(url="ws://10.0.0.1:9900/x", link=LINK), "node.url"),
        (NodeConfig(url="ws://10.0.0.1:999999", link=LINK), "node.url"),
    ],
)
def test_a_bad_value_is_named(node: NodeConfig, key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check(replace(POSTGRES, node=node))
    assert refused.value.key == key


def test_a_project_is_on_some_nodes_or_everywhere() -> None:
    with pytest.raises(ConfigError, match="cannot be true where nodes are named"):
        check(replace(POSTGRES, projects=projects(nodes=("a",), everywhere=True)))


@pytest.mark.parametrize(
    ("node", "url"),
    [
        (NodeConfig(), ""),
        (NodeConfig(link=LINK), "ws://10.0.0.1:9900"),
        (NodeConfig(link=LinkConfig(host="fd00::1", port=9900)), "ws://[fd00::1]:9900"),
        (NodeConfig(link=LINK, url="wss://a.example.org:443"), "wss://a.example.org:443"),
    ],
)
def test_the_other_nodes_know_where_the_link_is(node: NodeConfig, url: str) -> None:
    assert check(replace(POSTGRES, node=node)).node.link_url == url
