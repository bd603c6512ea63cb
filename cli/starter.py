"""The text of a new config.toml: what was chosen, and commented examples of what most installations set next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomli_w

HEAD = """\
# The configuration of xswarm. A key that is not here has its default: docs/configuration.md lists all keys.
# The daemon reads this file when it starts, and refuses unknown keys; `xswarm doctor` checks it. No secrets.
"""

SECTIONS = {
    "supervisor": """\
# The WebSocket for services and for the command line.
[supervisor]
port = 9999
""",
    "http": """\
# REST and webhooks. Twilio signs its requests with the public address.
[http]
port = 8787
#public_url = "https://xswarm.example.org"
""",
    "projects": """\
# A project: a folder that Claude Code may work in, what it may do there without asking ("ask": read files, "edit":
# change files too), and who may use it. Users are added by `xswarm user add`.
#[projects.website]
#path = "/srv/website"
#permissions = "ask"
#users = ["ada"]
""",
    "routing": """\
# The project of a message that names none.
#[routing]
#default_project = "website"
""",
    "budgets": """\
# Limits on spending in US dollars.
#[budgets]
#user_daily_usd = 20.0
#system_daily_usd = 100.0
""",
    "sms": """\
# Text messages by Twilio. The secret is TWILIO_AUTH_TOKEN in the environment.
#[channels.sms]
#account_sid = "AC00000000000000000000000000000000"
#from_number = "+15551234567"
""",
    "mail": """\
# Mail: the name that your mail server writes into Authentication-Results, and where answers leave. The secret is
# SMTP_PASSWORD in the environment.
#[channels.mail]
#address = "xswarm@example.org"
#trusted_authserv_id = "mx.example.org"
#[channels.mail.smtp]
#host = "smtp.example.org"
#port = 587
#username = "xswarm"
#[channels.mail.lmtp]
#port = 8024
""",
}
"""The sections in order, as they stand where nothing was chosen: a comment, then keys at their defaults or examples."""


def starter(chosen: Mapping[str, Any], *, examples: bool = True) -> str:
    """Return the text of a short config.toml.

    Args:
        chosen: tables of config.toml; they replace the examples.
        examples: whether what was not chosen stands there as an example.
    """
    channels = chosen.get("channels", {})
    tables = {
        **{name: {name: table} for name, table in chosen.items() if name != "channels"},
        **{name: {"channels": {name: table}} for name, table in channels.items()},
    }
    texts = [HEAD]
    for name, example in SECTIONS.items():
        if name in tables:
            texts.append(_section(example, tables[name]))
        elif examples:
            texts.append(example)
    return "\n".join(texts)


def _section(example: str, table: Mapping[str, Any]) -> str:
    """Return a section with its comment and the chosen keys instead of its example."""
    comment = [line for line in example.splitlines() if line.startswith("# ")]
    return "\n".join([*comment, tomli_w.dumps(table)])
