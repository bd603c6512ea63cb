"""A planner of AutoGen 0.2 that lets Claude Code do the work: python classic.py TASK [--take-back]."""

from __future__ import annotations

import os
import sys

from autogen import AssistantAgent, UserProxyAgent, register_function

from xswarm_client import FileOperationLogger, Monitor, end_conversation, monitored_claude_execute, start_conversation

PLAN = (
    "You plan, and Claude Code works. Split the task into small steps. For each step call claude_execute with all that "
    "it must know; let it run the tests of what it wrote. When all is done, say what was done, and TERMINATE."
)
ASK = "Let Claude Code do one step in the project. It reads, writes and runs code there, and tells what it did."


def main() -> None:
    """Let the planner do the task, then say what was done to files."""
    task, take_back = sys.argv[1], "--take-back" in sys.argv
    model = {
        "model": os.environ.get("PLANNER_MODEL", "gpt-4o-mini"),
        "base_url": os.environ.get("PLANNER_URL", "https://api.openai.com/v1"),
        "api_key": os.environ["PLANNER_KEY"],
        "price": [0.00015, 0.0006],
    }
    planner = AssistantAgent("planner", PLAN, llm_config={"config_list": [model], "cache_seed": None})
    worker = UserProxyAgent(
        "worker",
        human_input_mode="NEVER",
        code_execution_config=False,  # nothing that a model says is executed here
        max_consecutive_auto_reply=20,
        is_termination_msg=lambda message: "TERMINATE" in (message.get("content") or ""),
    )
    register_function(monitored_claude_execute, caller=planner, executor=worker, name="claude_execute", description=ASK)
    conversation = start_conversation(["planner", "Claude"])
    worker.initiate_chat(planner, message=task)
    end_conversation()

    done = next(one for one in Monitor().conversations() if one["id"] == conversation)["file_operations"]
    for operation in reversed(done):
        print(operation["id"], operation["type"], operation["filepath"])
    if take_back:
        turns = {operation["message_id"]: operation["id"] for operation in done}  # a turn is taken back whole
        print("turns taken back:", sum(map(FileOperationLogger().rollback, turns.values())))


if __name__ == "__main__":
    main()
