"""A server that speaks as watsonx.ai does, with the identity service that it trusts; requests are recorded.

Needs `pip install "handrail-bridge[testing]"`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from handrail_testkit import Completion, Pause, ProtocolServer, Received, Reply, replies
from handrail_testkit._connection import Connection

if TYPE_CHECKING:
    from collections.abc import Iterator


class WatsonxServer(ProtocolServer):
    """A server at `origin`, whose identity service is at `iam_url`.

    Attributes:
        api_key: the key that is exchanged for tokens.
        exchanges: how many tokens were issued; only the last one is valid.
        known: models that are there.
        refusal: what the identity service answers in place of a token.
    """

    def __init__(self) -> None:
        super().__init__()
        self.api_key = "an-ibm-cloud-key"
        self.exchanges = 0
        self.known: tuple[str, ...] = ("test-model",)
        self.refusal: Reply | None = None

    @property
    def iam_url(self) -> str:
        """Where a key is exchanged for a token."""
        return f"{self.origin}/identity/token"

    @property
    def asked(self) -> list[Received]:
        """The requests to the model."""
        return [request for request in self.requests if "/ml/v1/" in request.path]

    def token(self) -> str:
        """Return the token that is valid."""
        return f"eyJhbGciOiJIUzI1NiJ9.{self.exchanges}.signature"

    def answer_to(self, request: Received) -> Reply:
        """Return the answer to a request that has just come in."""
        if request.path == "/identity/token":
            return self._exchange(request)
        if request.key != self.token():
            return replies.error(401, f"token {request.key} is not valid", code="authentication_token_not_valid")
        path, _, query = request.path.partition("?")
        if not path.endswith("/text/chat_stream") or "version" not in parse_qs(query):
            return replies.error(404, "no such interface")
        body = request.json
        if "deployments" not in path and not (body.get("project_id") or body.get("space_id")):
            return replies.error(400, "project_id or space_id must be set")
        if "deployments" not in path and body["model_id"] not in self.known:
            return replies.error(404, f"model {body['model_id']} does not exist", code="model_not_supported")
        return replies.sse(chain.from_iterable((Pause(0.004), event) for event in events(Completion())))

    def _exchange(self, request: Received) -> Reply:
        if self.refusal is not None:
            return self.refusal
        fields = parse_qs(request.body.decode())
        if fields != {"grant_type": ["urn:ibm:params:oauth:grant-type:apikey"], "apikey": [self.api_key]}:
            return replies.json_reply({"errorMessage": f"no {fields}"}, status=400)
        self.exchanges += 1
        return replies.json_reply({"access_token": self.token(), "expires_in": 3600, "token_type": "Bearer"})

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(asyncio.CancelledError):
            await _WatsonxConnection(self, reader, writer).run()


class _WatsonxConnection(Connection):
    def __init__(self, server: WatsonxServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(server, reader, writer)
        self._watsonx = server

    async def _reply(self, request: Received) -> bool:
        return await self._play(self._watsonx.answer_to(request))


def events(completion: Completion) -> Iterator[bytes]:
    """Yield the events of an answer, with the numbers and names that watsonx gives them, and without `[DONE]`."""
    for number, event in enumerate(replies.stream(completion, done=False), 1):
        yield b"id: %d\nevent: message\n" % number + event
