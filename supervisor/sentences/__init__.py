"""The sentences that people get from the daemon, one table of templates for each theme.

`protocol/text/template.py` says how a template is written. A test reads every table: capital first, full stop last,
plurals right, and at most two segments of an SMS where nobody asked for the text. Channels keep tables of their own,
and `protocol/queue.py` those sentences that the command line uses as well.
"""

from __future__ import annotations
