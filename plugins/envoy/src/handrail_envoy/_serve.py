"""Serves the processor until a signal ends it."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import TYPE_CHECKING

import grpc.aio
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as ext_proc_grpc
from handrail import ConfigurationError
from handrail_cli import log_to_stderr

from handrail_envoy._service import Processor

if TYPE_CHECKING:
    from handrail_envoy._routes import Routes

logger = logging.getLogger("handrail.envoy")

_MESSAGE_BYTES = 16 * 2**20
_OPTIONS = (
    ("grpc.max_receive_message_length", _MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MESSAGE_BYTES),
    ("grpc.so_reuseport", 0),  # an address that is taken is an error
)


def server_of(routes: Routes, address: str) -> tuple[grpc.aio.Server, int]:
    """Return a server that is not started yet, and the port it listens at; call it where its event loop runs.

    Raises:
        ConfigurationError: the address is taken or not one of this machine's.
    """
    server = grpc.aio.server(options=_OPTIONS)
    ext_proc_grpc.add_ExternalProcessorServicer_to_server(Processor(routes), server)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as exc:
        raise ConfigurationError(f"cannot listen on {address!r}; is the address taken?") from exc
    return server, port


def serve(routes: Routes, address: str, *, drain_seconds: float) -> int:
    """Serve until a signal ends it; return the exit code.

    Raises:
        ConfigurationError: the address is taken or not one of this machine's.
    """
    log_to_stderr()
    asyncio.run(_serve(routes, address, drain_seconds))
    return 0


async def _serve(routes: Routes, address: str, drain_seconds: float) -> None:
    server, port = server_of(routes, address)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    await server.start()
    where = address if address.startswith("unix:") else f"{address.rpartition(':')[0]}:{port}"
    logger.info("listening at %s, guarding with %s", where, ", ".join(routes.rails))
    await ended.wait()
    await server.stop(drain_seconds)  # streams that are left are cancelled, which Envoy takes as an error
    for rails in routes.rails.values():
        await rails.aclose()
