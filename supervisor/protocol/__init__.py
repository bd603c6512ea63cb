"""The types and ports that every part shares, plug-ins included: standard library only, no I/O.

The author of a channel starts with `ports.Channel` and `messages`, the author of a connector with `ports.Connector` and
`conversation`. `requests` and `events` are the messages of the supervisor socket (docs/protocol.md).
"""

from __future__ import annotations
