"""What a tool call may do: pure functions, whose only I/O is to resolve symbolic links.

`policy.decide` gives the verdict on a call; `paths` says where its paths lead, `wording` how a call is shown to people.
"""

from __future__ import annotations
