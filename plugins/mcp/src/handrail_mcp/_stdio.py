"""The proxy over standard streams: starts the server's command, and stands between it and the client."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from subprocess import PIPE
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from anyio.from_thread import BlockingPortal
from handrail import ConfigurationError

from handrail_mcp._relay import Side, take_client_line, take_server_line

if TYPE_CHECKING:
    from anyio.abc import ByteReceiveStream, Process

    from handrail_mcp._guard import Guard
    from handrail_mcp._relay import Send

logger = logging.getLogger("handrail.mcp")

_GRACE_SECONDS = 5.0  # for a server to end by itself once its input has ended
_KILL_SECONDS = 2.0  # from asking it to end to ending it
_LINE_BYTES = 64 * 2**20


async def run_stdio(guard: Guard, command: Sequence[str], *, stdin: int = 0, stdout: int = 1) -> int:
    """Guard a server that is a command, for a client on the other ends of two file descriptors.

    Returns:
        The exit code of the server; 1 if a signal ended it, 0 if the client went first.

    Raises:
        ConfigurationError: the command cannot be started.
    """
    async with _server(command) as process, BlockingPortal() as portal, anyio.create_task_group() as tasks:
        reader, writer = process.stdout, process.stdin
        if reader is None or writer is None:  # pragma: no cover  # both were asked for
            raise RuntimeError("the server has no streams")
        to_client, to_server = _writer(stdout), _locked(writer.send)
        client = Side(guard.from_client, to_server, to_client, tasks)
        server = Side(guard.from_server, to_client, to_server, tasks)

        async def serve_client() -> None:
            await _each_line(_read_descriptor(stdin, portal), lambda line: take_client_line(client, line))
            await client.drained()
            await writer.aclose()
            if not await _ends_by_itself(process):
                tasks.cancel_scope.cancel()

        tasks.start_soon(serve_client)
        tasks.start_soon(_cancel_at_signal, tasks.cancel_scope)
        await _each_line(_chunks(reader), lambda line: take_server_line(server, guard, line, to_client))
        await server.drained()
        with anyio.move_on_after(_KILL_SECONDS):
            await process.wait()
        tasks.cancel_scope.cancel()
    code = process.returncode or 0
    return code if code >= 0 else 1


@contextmanager
def own_stdout() -> Iterator[int]:
    """Yield a descriptor of this process's output that nothing else writes to: what is printed goes to the errors."""
    sys.stdout.flush()
    private = os.dup(1)
    os.dup2(2, 1)
    try:
        yield private
    finally:
        os.dup2(private, 1)
        os.close(private)


@asynccontextmanager
async def _server(command: Sequence[str]) -> AsyncIterator[Process]:
    """Start the server; end it, and whatever it has started, when the block is left."""
    try:
        process = await anyio.open_process(command, stdin=PIPE, stdout=PIPE, stderr=None, start_new_session=True)
    except OSError as exc:
        raise ConfigurationError(f"the server {command[0]!r} cannot be started: {exc.strerror}") from exc
    try:
        yield process
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process)
            await process.aclose()


async def _each_line(chunks: AsyncGenerator[bytes], take: Send) -> None:
    async with aclosing(_lines_of(chunks)) as lines:
        async for line in lines:
            await take(line)


async def _ends_by_itself(process: Process) -> bool:
    with anyio.move_on_after(_GRACE_SECONDS):
        await process.wait()
    return process.returncode is not None


async def _cancel_at_signal(scope: anyio.CancelScope) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            scope.cancel()


async def _end(process: Process) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with anyio.move_on_after(_KILL_SECONDS):
            await process.wait()


def _writer(descriptor: int) -> Send:
    """Return what writes lines to a file descriptor, one after another, in a thread."""

    def write(data: bytes) -> None:
        while data:
            data = data[os.write(descriptor, data) :]

    async def send(data: bytes) -> None:
        await anyio.to_thread.run_sync(write, data)

    return _locked(send)


def _locked(send: Send) -> Send:
    lock = anyio.Lock()

    async def line(message: bytes) -> None:
        async with lock:
            try:
                await send(message + b"\n")
            except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
                logger.info("a message was dropped, for its reader has gone")

    return line


async def _read_descriptor(descriptor: int, portal: BlockingPortal) -> AsyncGenerator[bytes]:
    """Yield what comes from a file descriptor, read in a thread that nobody has to wait for."""
    send, receive = anyio.create_memory_object_stream[bytes](0)

    def read() -> None:
        with suppress(RuntimeError, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):  # all is over
            while data := os.read(descriptor, 65536):
                portal.call(send.send, data)
            portal.call(send.aclose)

    threading.Thread(target=read, daemon=True, name="handrail mcp: input").start()
    async with send, receive:
        async for data in receive:
            yield data


async def _chunks(stream: ByteReceiveStream) -> AsyncGenerator[bytes]:
    with suppress(anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
        while True:
            yield await stream.receive()


async def _lines_of(chunks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Yield lines; what follows the last line end is a line, too.

    Raises:
        ConfigurationError: a line is longer than the limit.
    """
    left = bytearray()
    async with aclosing(chunks):
        async for chunk in chunks:
            left += chunk
            if b"\n" in chunk:
                *lines, left = left.split(b"\n")
                for line in lines:
                    yield bytes(line)
            if len(left) > _LINE_BYTES:
                raise ConfigurationError(f"a message exceeds the limit of {_LINE_BYTES} bytes")
    if left:
        yield bytes(left)
