"""A moderation service on this machine: rates texts by words, and misbehaves when it is told to.

`python tests/harbour.py` runs it for the example.
"""

from __future__ import annotations

import json
import re
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

WORDS = {"blockhead": ("insult", 0.93), "nitwit": ("insult", 0.55), "dynamite": ("danger", 0.71)}


class Harbour:
    """The service, from entering the context to leaving it.

    Attributes:
        texts: the texts that it was asked about.
        tokens: what came as authorization.
        misbehave: a status, or bytes in place of its answer; "hang" lets it never answer.
    """

    def __init__(self, port: int = 0) -> None:
        self.texts: list[str] = []
        self.tokens: list[str | None] = []
        self.misbehave: int | bytes | str | None = None
        self.leave = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # noqa: N802  # the base class has it so
                body = self.rfile.read(length := int(self.headers["content-length"]))
                if len(body) < length:  # the client has left
                    return
                text = json.loads(body)["text"]
                service.texts.append(text)
                service.tokens.append(self.headers["authorization"])
                with suppress(ConnectionError):
                    service.answer(self, text)

            def log_message(self, *_: object) -> None:
                """Write no log."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}/rate"

    def answer(self, handler: BaseHTTPRequestHandler, text: str) -> None:
        """Rate a text."""
        if self.misbehave == "hang":
            self.leave.wait(30)
        ratings = [
            {"category": category, "score": score, "span": found.span()}
            for word, (category, score) in WORDS.items()
            if (found := re.search(word, text, re.IGNORECASE))
        ]
        body = self.misbehave if isinstance(self.misbehave, bytes) else json.dumps({"ratings": ratings}).encode()
        handler.send_response(self.misbehave if isinstance(self.misbehave, int) else 200)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


if __name__ == "__main__":
    with Harbour(8766) as running:
        input(f"{running.url}; press Enter to end it\n")
