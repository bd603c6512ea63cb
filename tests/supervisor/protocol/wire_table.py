"""A copy of the message tables of docs/protocol.md, to compare the types with."""

from __future__ import annotations

REQUESTS = """
auth                   token notices?
ping
message                user_id message thread? external_id?
claude_code_connect    session_id project_path user_id
claude_code_message    session_id message context? external_id? mode?
claude_code_disconnect session_id
claude_code_interrupt  session_id
get_session_status     session_id
list_sessions          user_id? active_only? limit?
get_cost               user_id? session_id? since? until? group_by? limit?
get_history            session_id limit? before?
sms_received           from to message user external_id?
email_received         from to subject body user external_id? in_reply_to?
subscribe              topics
unsubscribe            topics
resolve_approval       approval_id decision note?
"""

EVENTS = """
auth_result              success message protocol server user_id?
pong
message_response         target reason session_id message_id content cost_usd timestamp
claude_code_connected    session_id status timestamp resumed
claude_code_response     session_id message_id content cost_usd timestamp usage duration_ms stop_reason
claude_code_interrupted  session_id message_id partial timestamp
claude_code_disconnected session_id reason timestamp
session_status           session_id user_id project_path status cost_usd message_count duration_seconds started_at last_activity ended_at kind title?
session_updated          session_id user_id project_path status cost_usd message_count duration_seconds started_at last_activity ended_at kind title?
sessions                 sessions
cost                     total_usd rows budgets?
history                  session_id messages
message_acknowledged     message_type user timestamp message_id
send_sms_response        to message user message_id
send_email_response      to subject body user message_id
subscribed               topics
unsubscribed             topics
error                    message code session_id? retry_after?
claude_code_delta        session_id message_id text
claude_code_tool         session_id message_id tool_use_id name status input? result?
cost_recorded            user_id session_id message_id cost_usd channel timestamp
cost_alert               scope id spent_usd limit_usd level user_id? session_id?
approval_requested       approval_id session_id user_id tool summary code call diff characters truncated expires_at
approval_resolved        approval_id decision
claude_code_queued       session_id message_id external_id user_id mode ahead waits_for
claude_code_ended        session_id message_id user_id status cost_usd duration_ms timestamp
claude_code_stuck        session_id message_id silent_seconds
new_message              conversation_id user_id agent content message_type timestamp
agent_status_update      user_id agent status timestamp
"""  # noqa: E501 - a table


def rows(table: str) -> dict[str, set[str]]:
    """Return the fields of each type; those that may be left out end in a question mark."""
    return {name: set(names) for name, *names in map(str.split, table.strip().splitlines())}
