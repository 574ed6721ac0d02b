"""Serving the page: one process, until Ctrl-C."""

import socket
from collections.abc import Callable
from contextlib import suppress

import uvicorn
from fastapi import FastAPI

from quoth.errors import StudyError
from quoth.review.guard import Door


def listen(host: str, port: int) -> socket.socket:
    """A socket on which nobody else listens; port 0 takes any that is free.

    Raises:
        StudyError: nobody can listen there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol said: asyncio sends small answers at once (TCP_NODELAY) on such sockets alone.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        # From here on browsers wait rather than being refused.
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise StudyError(f"cannot listen on {host}:{port} ({reason}): name another --port, or --port 0") from None
    return listener


def serve(app: FastAPI, listener: socket.socket, door: Door, ready: Callable[[str], None]) -> None:
    """Answer requests until somebody presses Ctrl-C; `ready` is told the address to open."""
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", server_header=False)
    server = uvicorn.Server(config)
    ready(door.url)
    # The server hands Ctrl-C on when it has answered what was asked: that is how this ends.
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
