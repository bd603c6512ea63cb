"""The ports of plug-ins: what channels and connectors implement, and what the core gives them.

A channel carries messages between people and the daemon (SMS, mail). A connector opens conversations with what answers
them (Claude Code, the assistant). A plug-in is a package `channels/NAME` or `connectors/NAME` whose module `plugin` has
a constant `PLUGIN`. It imports `supervisor.protocol` and nothing else of xswarm. Example, `channels/pager/plugin.py`::

    @dataclass(frozen=True, slots=True, kw_only=True)
    class PagerConfig:  # the keys of [channels.pager] in config.toml
        number: str

    class PagerChannel(Channel):
        name = "pager"

        def __init__(self, config: PagerConfig, host: ChannelHost) -> None: ...
        async def send(self, outbound: Outbound) -> Sent: ...
        async def reconcile(self, outbound: Outbound) -> Reconciled: ...

    PLUGIN = ChannelPlugin(name="pager", config=PagerConfig, build=PagerChannel)

The contract tests `tests/channels/contract.py` and `tests/connectors/contract.py` check the rules of these ports.
"""

from __future__ import annotations
