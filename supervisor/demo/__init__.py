"""Stand-ins on loopback for Twilio and a mail server, for `--demo` and the tests.

`demo.Demo` starts them for the daemon; `twilio.TwilioStandIn` and `mailbox.MailboxStandIn` also serve the tests.
"""

from __future__ import annotations
