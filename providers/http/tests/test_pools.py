"""Clients share connections only where each would have opened the same one."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest
from handrail_http import bounded_client
from handrail_testkit import Authority, ProtocolServer

BODY = {"model": "test-model", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
async def ask(protocol_server):
    """Ask the server, by its address or another one, with a client of its own that stays open until the end."""
    async with AsyncExitStack() as stack:

        async def asked(ca_file=None, origin=protocol_server.origin):
            client = await stack.enter_async_context(bounded_client(ca_file))
            assert (await client.post(f"{origin}/v1/chat/completions", json=BODY)).is_success

        yield asked


async def test_clients_for_one_address_share_connections(protocol_server, ask):
    for _ in range(3):
        await ask()
    assert protocol_server.connections == 1


async def test_clients_that_trust_another_authority_do_not(protocol_server, ask, tmp_path):
    file = Authority.create(tmp_path).file
    for ca_file in (None, file, file):
        await ask(ca_file)
    assert protocol_server.connections == 2


async def test_clients_that_go_by_another_proxy_do_not(protocol_server, ask, monkeypatch):
    for proxies in ("", protocol_server.origin, protocol_server.origin):
        monkeypatch.setenv("HTTP_PROXY", proxies)
        await ask()
    paths = [request.path.removeprefix(protocol_server.origin) for request in protocol_server.requests]
    assert paths == ["/v1/chat/completions"] * 3
    assert protocol_server.requests[-1].path.startswith(protocol_server.origin)
    assert protocol_server.connections == 2


async def test_the_last_client_for_an_address_closes_its_connections_whatever_others_reach(protocol_server, ask):
    with ProtocolServer() as other:
        await ask(origin=other.origin)
        for _ in range(2):
            async with bounded_client(None) as client:
                await client.post(f"{protocol_server.origin}/v1/chat/completions", json=BODY)
    assert (protocol_server.connections, other.connections) == (2, 1)


async def test_a_client_that_was_closed_sends_nothing_more():
    client = bounded_client(None)
    await client.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await client.post("http://127.0.0.1:9/", json=BODY)
