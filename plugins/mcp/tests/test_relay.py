"""Messages are judged side by side, and go on in an order that both sides can rely on."""

from __future__ import annotations

import json

import anyio
import pytest
from handrail import ConfigurationError
from handrail_mcp import Outcome
from handrail_mcp._command import mcp
from handrail_mcp._rails import load, unguarded
from handrail_mcp._relay import AT_ONCE, Side, take_client_line, take_server_line


class Judge:
    """Judges each message once it is told to."""

    def __init__(self):
        self.events = {}
        self.judged = []

    async def __call__(self, message):
        name = message.get("method") or "answer"
        self.judged.append(name)
        await self.events.setdefault(name, anyio.Event()).wait()
        return Outcome(onward=message)

    def let(self, name):
        self.events.setdefault(name, anyio.Event()).set()


class Sent(list):
    async def send(self, line):
        message = json.loads(line)
        self.append(message.get("method") or message.get("result") or message.get("error"))


async def _settled():
    for _ in range(20):
        await anyio.lowlevel.checkpoint()


def _notification(name, **params):
    return {"jsonrpc": "2.0", "method": name, "params": params}


def _request(name, number):
    return {"jsonrpc": "2.0", "id": number, "method": name}


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_nothing_overtakes_a_notification_and_requests_overtake_one_another(backend):
    async def run():
        judge, sent = Judge(), Sent()
        async with anyio.create_task_group() as tasks:
            side = Side(judge, sent.send, sent.send, tasks)
            for message in (_request("slow", 1), _request("fast", 2), _notification("progress"), _request("after", 3)):
                await side.take(message)
            judge.let("fast")
            judge.let("after")
            await _settled()
            assert sent == ["fast"]
            judge.let("progress")
            await _settled()
            assert sent == ["fast", "progress", "after"]
            judge.let("slow")
            await side.drained()
        assert sent == ["fast", "progress", "after", "slow"]

    anyio.run(run, backend=backend)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_call_that_is_cancelled_while_it_is_judged_goes_nowhere(backend):
    async def run():
        judge, sent = Judge(), Sent()
        async with anyio.create_task_group() as tasks:
            side = Side(judge, sent.send, sent.send, tasks)
            await side.take(_request("tools/call", 1))
            await _settled()
            await side.take(_notification("notifications/cancelled", requestId=1))
            await side.drained()
            judge.let("notifications/cancelled")
            await side.take(_notification("notifications/cancelled", requestId=2))
            await side.drained()
        assert sent == ["notifications/cancelled"], "of what has gone on, the server is told"

    anyio.run(run, backend=backend)


def test_a_side_waits_while_too_many_of_its_messages_are_judged():
    async def run():
        judge, sent = Judge(), Sent()
        async with anyio.create_task_group() as tasks:
            side = Side(judge, sent.send, sent.send, tasks)
            for number in range(AT_ONCE):
                await side.take(_request("slow", number))
            with anyio.move_on_after(0) as scope:
                await side.take(_request("slow", AT_ONCE))
            assert scope.cancelled_caught
            judge.let("slow")
            await side.drained()
        assert len(sent) == AT_ONCE

    anyio.run(run)


def test_what_is_no_message_is_answered_and_goes_no_further():
    class Guard:
        def unreadable(self, message_id):
            return {"jsonrpc": "2.0", "id": message_id, "result": {"isError": True}} if message_id == 7 else None

    async def run():
        judge, onward, back = Judge(), Sent(), Sent()
        async with anyio.create_task_group() as tasks:
            client = Side(judge, onward.send, back.send, tasks)
            for line in (b"{", b"[]", b" ", b'{"jsonrpc": "2.0", "id": 1}'):
                await take_client_line(client, line)
            server = Side(judge, back.send, onward.send, tasks)
            for line in (b"log line", b'{"jsonrpc": "2.0", "id": 7, "result": {"a": NaN}}'):
                await take_server_line(server, Guard(), line, back.send)
        assert not judge.judged
        assert not onward
        assert [one.get("code") for one in back] == [-32700, -32600, -32600, None]

    anyio.run(run)


def test_a_server_is_named_once_and_a_configuration_without_rails_guards_nothing(tmp_path):
    for arguments in ((), ("server",)):
        with pytest.raises(ConfigurationError, match="name the server once"):
            mcp(*arguments, config=tmp_path, url="http://x/mcp" if arguments else None)
    file = tmp_path / "config.yml"
    file.write_text("rails: {}")
    with pytest.raises(ConfigurationError, match="has no rails"):
        unguarded(load(file))
    file.write_text("rails: {output: {flows: [tool call validation]}}")
    assert [line for line in unguarded(load(file)) if "results of tools" in line]
