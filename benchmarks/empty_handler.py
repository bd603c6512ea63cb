"""The baseline of the webhooks: a FastAPI handler that reads nothing, on uvicorn with uvloop."""

from __future__ import annotations

import socket

import uvicorn
from fastapi import FastAPI, Response

PATH = "/webhooks/twilio/sms"

app = FastAPI()


@app.post(PATH)
async def text() -> Response:
    """Answer as the daemon does."""
    return Response("<Response/>", media_type="text/xml")


def main() -> None:
    """Listen on a free port, print the URL, and serve until SIGTERM."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False)).run(sockets=[listener])


if __name__ == "__main__":
    main()
