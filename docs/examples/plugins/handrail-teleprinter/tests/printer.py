"""A teleprinter on this machine, which prints what it is told to. `python tests/printer.py` runs it for the example."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Callable
from typing import Self

END = 'END {"reason": "stop", "input": 5, "output": 7}'


class Printer:
    """The teleprinter, from entering the context to leaving it.

    Attributes:
        asked: the lines of each request.
        lines: what it prints; by default the words of `text`.
        pause: seconds between lines.
    """

    def __init__(self, text: str = "Hello, world!", *, pause: float = 0.0, port: int = 0) -> None:
        self.asked: list[list[str]] = []
        self.lines: Callable[[list[str]], list[str]] = lambda _: [*words(text), END]
        self.pause = pause
        self._active = 0
        self._changed = threading.Condition()
        printer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                printer.serve(self)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            block_on_close = False
            request_queue_size = 64

        self._server = Server(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def serve(self, handler: socketserver.StreamRequestHandler) -> None:
        """Read a request, and print the answer until the other side hangs up."""
        self._count(1)
        try:
            asked: list[str] = []
            for line in handler.rfile:
                asked.append(line.decode().rstrip("\n"))
                if asked[-1].startswith("GO"):
                    break
            if not asked or not asked[-1].startswith("GO"):
                return
            self.asked.append(asked)
            for line in self.lines(asked):
                time.sleep(self.pause)
                handler.wfile.write(line.encode() + b"\n")
                handler.wfile.flush()
        except OSError:  # the other side has hung up
            pass
        finally:
            self._count(-1)

    def wait_idle(self) -> bool:
        """Wait until nobody is served; False if it does not come to that."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._active, 10)

    def _count(self, change: int) -> None:
        with self._changed:
            self._active += change
            self._changed.notify_all()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def words(text: str) -> list[str]:
    """Print a text word by word."""
    return [f"+ {json.dumps(word)}" for word in text.replace(" ", " \0").split("\0")]


if __name__ == "__main__":
    with Printer("The quick brown fox jumps over the lazy dog.", pause=0.2, port=8767) as running:
        input(f"127.0.0.1:{running.port}; press Enter to end it\n")
