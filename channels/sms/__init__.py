"""The SMS channel: text messages through Twilio.

A text message arrives by `webhooks`, or later by `catchup`; `receiver` makes an `Inbound` of it. A reply becomes a body
of bounded price in `body/`, and `twilio/` sends it. `reports` passes on what Twilio reports about it later.
"""

from __future__ import annotations
