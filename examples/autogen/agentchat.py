"""A planner of AutoGen 0.7 (`autogen-agentchat`) that lets Claude Code work: python agentchat.py TASK [--take-back]."""

from __future__ import annotations

import asyncio
import os
import sys

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import MaxMessageTermination, TextMentionTermination
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_agentchat.ui import Console
from autogen_ext.models.openai import OpenAIChatCompletionClient

from xswarm_client import FileOperationLogger, Monitor, end_conversation, monitored_claude_execute, start_conversation

PLAN = (
    "You plan, and Claude Code works. Split the task into small steps. For each step call claude_execute with all that "
    "it must know; let it run the tests of what it wrote. When all is done, say what was done, and TERMINATE."
)


async def claude_execute(prompt: str) -> str:
    """Let Claude Code do one step in the project. It reads, writes and runs code there, and tells what it did."""
    return await asyncio.to_thread(monitored_claude_execute, prompt)


async def main() -> None:
    """Let the planner do the task, then say what was done to files."""
    task, take_back = sys.argv[1], "--take-back" in sys.argv
    model = OpenAIChatCompletionClient(
        model=os.environ.get("PLANNER_MODEL", "gpt-4o-mini"),
        base_url=os.environ.get("PLANNER_URL", "https://api.openai.com/v1"),
        api_key=os.environ["PLANNER_KEY"],
    )
    planner = AssistantAgent("planner", model, tools=[claude_execute], system_message=PLAN)
    end = TextMentionTermination("TERMINATE", sources=["planner"]) | MaxMessageTermination(60)
    conversation = start_conversation(["planner", "Claude"])
    await Console(RoundRobinGroupChat([planner], termination_condition=end).run_stream(task=task))
    end_conversation()
    await model.close()

    done = next(one for one in Monitor().conversations() if one["id"] == conversation)["file_operations"]
    for operation in reversed(done):
        print(operation["id"], operation["type"], operation["filepath"])
    if take_back:
        turns = {operation["message_id"]: operation["id"] for operation in done}  # a turn is taken back whole
        print("turns taken back:", sum(map(FileOperationLogger().rollback, turns.values())))


if __name__ == "__main__":
    asyncio.run(main())
