"""`handrail server`, with one path more: `/soak` says how many tasks there are, and gives back memory that is free."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from handrail_server import _serve
from handrail_server._app import create_app
from handrail_server._settings import ServerSettings

if TYPE_CHECKING:
    from handrail_server._gate import Gate
    from starlette.types import Receive, Scope, Send


class Watched:
    """The application, and the number of its tasks."""

    def __init__(self, app: Gate) -> None:
        self._app = app
        self.lifecycle = app.lifecycle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/soak":
            await self._app(scope, receive, send)
            return
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)  # else what is measured is how much was once in use at the same time
        body = str(len(asyncio.all_tasks())).encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    _serve.create_app = lambda settings: Watched(create_app(settings))  # type: ignore[assignment, misc]  # see above
    sys.exit(_serve.serve(ServerSettings.read(Path(sys.argv[1]))))
