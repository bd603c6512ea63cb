"""What a tool call may do: pure functions, whose only I/O is to look where paths lead and what lies beside them.

`policy.decide` gives the verdict on a call; `paths` says where its paths lead, `protected` what is asked about also
inside a project, `wording` how a call is shown to people.
"""

from __future__ import annotations
