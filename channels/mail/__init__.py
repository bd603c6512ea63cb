"""The mail channel: mail in by LMTP, answers out by SMTP.

The way of a mail, in `incoming/`: `inbox` receives it; `headers` splits it; `loops` refuses automatic mail; `bounces`
reads what came back of our own; `sender` proves who wrote it; `body` and `markup` read its text; `quotes` separates
quotations; `receiver` makes an `Inbound` of it, and `workers` has the threads for it. The way of an answer, in
`outgoing/`: `compose` builds the mail; `delivery` hands it to the SMTP server.
"""

from __future__ import annotations
