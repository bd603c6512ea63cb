"""Questions to people about a tool call.

`asking.Approvals` asks and waits; `answering.ApprovalResolver` records an answer; `approvers.Approvers` says who may
answer. `call.AskedCall` holds the call itself: what an answer is valid for, and what people see of it.
"""

from __future__ import annotations
