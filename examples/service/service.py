"""Sends each line of stdin to xswarm as a message of a user, and prints the answer: python service.py USER."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import websockets


async def main(user: str) -> None:
    """Connect, authenticate, and ask for each line."""
    async with websockets.connect(os.environ.get("XSWARM_URL", "ws://127.0.0.1:9999")) as socket:
        await socket.send(json.dumps({"type": "auth", "token": os.environ["XSWARM_TOKEN"]}))
        welcome = json.loads(await socket.recv())
        if not welcome["success"]:
            sys.exit(welcome["message"])
        print(welcome["message"], file=sys.stderr)
        while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
            await socket.send(json.dumps({"type": "message", "user_id": user, "message": line}))
            answer = json.loads(await socket.recv())
            print(answer.get("content") or answer["message"], flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not os.environ.get("XSWARM_TOKEN"):
        sys.exit("usage: XSWARM_TOKEN=... python service.py USER; `xswarm token create --service NAME` makes a token")
    try:
        asyncio.run(main(sys.argv[1]))
    except OSError as error:
        sys.exit(f"xswarm cannot be reached: {error}")
