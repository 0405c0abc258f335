"""Threads in Redis, so that any replica can go on with them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from handrail import ConfigurationError

from handrail_server._sse import to_json

if TYPE_CHECKING:
    from handrail_server._store import Message

_PREFIX = "handrail:thread:"
_SECONDS = 1.0  # until an answer of Redis is late; the server bounds a whole operation, too


class RedisStore:
    """Keeps each thread as a list, trimmed and with a time to live.

    Args:
        url: `redis://`, `rediss://` or `unix://`; never shown, because it may hold a password.
        messages: most messages of a thread; the oldest go first.
        seconds: after which time without use a thread goes.

    Raises:
        ConfigurationError: the client library is missing, or the address is wrong.
    """

    def __init__(self, url: str, *, messages: int, seconds: int) -> None:
        try:
            from redis import asyncio as client
            from redis.asyncio.retry import Retry
            from redis.backoff import ExponentialBackoff
        except ImportError as exc:
            raise ConfigurationError(
                'threads in Redis need its client; install it with: pip install "handrail-server[redis]"'
            ) from exc
        try:
            self._redis: Any = client.Redis.from_url(
                url,
                socket_timeout=_SECONDS,
                socket_connect_timeout=_SECONDS,
                retry=Retry(ExponentialBackoff(cap=0.05), 1),
            )
        except ValueError:
            raise ConfigurationError("the address of the store is none of Redis; write redis://HOST:PORT/DB") from None
        self._messages = messages
        self._seconds = seconds

    async def load(self, key: str) -> Sequence[Message]:
        """Return the messages of a thread."""
        found = await self._redis.lrange(_PREFIX + key, 0, -1)
        return [cast("Message", json.loads(message)) for message in found]

    async def append(self, key: str, messages: Sequence[Message]) -> None:
        """Add messages to a thread, in one transaction."""
        name = _PREFIX + key
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.rpush(name, *map(to_json, messages))
            pipeline.ltrim(name, -self._messages, -1)
            pipeline.expire(name, self._seconds)
            await pipeline.execute()

    async def ready(self) -> bool:
        """Return whether Redis answers."""
        try:
            return bool(await self._redis.ping())
        except Exception:  # noqa: BLE001  # whatever it is, the store cannot be used
            return False

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
