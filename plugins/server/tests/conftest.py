"""The application in this process, driven message by message, and the command as a real process."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest
import yaml
from fakes import FakeProvider
from handrail import Registry
from handrail.plugins import ProviderSpec, RailSpec, hookimpl
from handrail_server import ServerSettings, create_app
from ports import free_port


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    parts: list[bytes] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        return b"".join(self.parts)

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json["error"]

    @property
    def events(self) -> list[object]:
        """The data of a stream; `[DONE]` must be the last."""
        lines = [line for line in self.body.decode().split("\n\n") if line and not line.startswith(":")]
        assert all(line.startswith("data: ") and "\n" not in line for line in lines)
        assert lines[-1] == "data: [DONE]"
        return [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]

    @property
    def deltas(self):
        return [event["choices"][0]["delta"] for event in self.events if event.get("choices")]

    @property
    def text(self) -> str:
        return "".join(delta.get("content") or "" for delta in self.deltas)

    @property
    def last(self):
        """The chunk that ends the answer."""
        return next(e for e in self.events if e.get("choices") and e["choices"][0]["finish_reason"])


class Client:
    """Asks an ASGI application; `leave_after` goes away after so many parts of the body."""

    def __init__(self, app) -> None:
        self.app = app

    async def ask(
        self, method, path, body=None, *, headers=None, leave_after=None, on_part=None, parts=None, query=""
    ) -> Answer:
        answer = Answer()
        gone = anyio.Event()
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        given = {"host": "127.0.0.1:8000", "content-type": "application/json", **(headers or {})}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in given.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
        }
        waiting = list(parts if parts is not None else [body or b""])

        async def receive():
            if waiting:
                part = waiting.pop(0)
                if callable(part):
                    await part()
                    part = b""
                return {"type": "http.request", "body": part, "more_body": bool(waiting)}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            else:
                answer.parts.append(message.get("body", b""))
                if on_part is not None:
                    on_part()
                if leave_after is not None and len(answer.parts) >= leave_after:
                    gone.set()

        await self.app(scope, receive, send)
        return answer

    async def get(self, path, **arguments) -> Answer:
        return await self.ask("GET", path, **arguments)

    async def post(self, path, body, **arguments) -> Answer:
        return await self.ask("POST", path, body, **arguments)

    async def chat(self, body=None, **fields) -> Answer:
        headers = fields.pop("headers", None)
        leave = {name: fields.pop(name) for name in ("leave_after", "on_part") if name in fields}
        body = {"messages": [{"role": "user", "content": "Hello!"}], **fields} if body is None else body
        return await self.post("/v1/chat/completions", body, headers=headers, **leave)


SCRIPTED = {"type": "main", "engine": "scripted", "model": "m1"}


def config(answers=("Hello there.",), *, output=(), input_=(), streaming=True, **rest):
    """A configuration with a scripted model and rails by name."""
    return {
        "models": [{**SCRIPTED, "parameters": {"answers": list(answers), **rest.pop("parameters", {})}}],
        "rails": {
            "input": {"flows": list(input_)},
            "output": {
                "flows": list(output),
                "streaming": {"enabled": streaming, "chunk_size": 10, "context_size": 2, **rest.pop("streaming_", {})},
            },
            "config": rest.pop("options", {}),
        },
        **rest,
    }


def write(root: Path, name: str, values) -> Path:
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yml").write_text(yaml.safe_dump(values), encoding="utf-8")
    return folder


@pytest.fixture
def root(tmp_path) -> Path:
    folder = tmp_path / "configs"
    folder.mkdir()
    return folder


@pytest.fixture
def serve(root):
    """Make a client of an application over configurations, rails and a provider (engine `fake`) of the test's own."""

    def make(configs=None, *, rails=None, provider=None, store=None, plugins=(), **settings) -> Client:
        for name, values in (configs or {}).items():
            write(root, name, values)

        class Plugin:
            @hookimpl
            def handrail_providers(self):
                yield ProviderSpec("fake", lambda settings, context: provider or FakeProvider(["hi"]))

            @hookimpl
            def handrail_rails(self):
                for name, rail in (rails or {}).items():
                    yield RailSpec(name, lambda settings, context, rail=rail: rail)

        settings["limits"] = {
            "store_seconds": 300,
            **settings.get("limits", {}),
        }  # a busy machine is no store that hangs
        registry = Registry.discover().with_plugins(Plugin(), *plugins)
        return Client(create_app(ServerSettings(config=root, **settings), registry=registry, store=store))

    return make


@pytest.fixture(scope="session", name="config")
def config_fixture():
    return config


@pytest.fixture(scope="session", name="write")
def write_fixture():
    return write


FAKE = {"models": [{"type": "main", "engine": "fake", "model": "f1"}]}


@pytest.fixture
def fake():
    """A configuration whose model is the test's provider."""

    def make(*, output=(), input_=(), **streaming):
        return {**config(output=output, input_=input_, streaming_=streaming), **FAKE}

    return make


class Process:
    """`handrail server` as people run it."""

    def __init__(self, *arguments: str, env=None, port: int = 0) -> None:
        command = [sys.executable, "-m", "handrail_cli.app", "server", "--port", str(port), *arguments]
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})}, start_new_session=True
        )
        self.log: list[str] = []
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._listening.wait(300)
        found = re.search(r"listening at (http://\S+:(\d+))", "".join(self.log))
        assert found, "".join(self.log)
        self.url, self.port = found[1], int(found[2])

    def _read(self) -> None:
        for line in self.process.stderr:
            self.log.append(line)
            if "listening at" in line:
                self._listening.set()
        self._listening.set()

    def signal(self, number=signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        code = self.process.wait(300)
        self._reader.join(300)
        self.process.stderr.close()
        return code


@pytest.fixture
def run_server() -> Iterator[object]:
    """Start the command; ends what still runs."""
    started: list[Process] = []

    def start(*arguments: object, **options) -> Process:
        started.append(Process(*map(str, arguments), **options))
        return started[-1]

    yield start
    for process in started:
        if process.process.poll() is None:
            os.killpg(process.process.pid, signal.SIGKILL)  # with the processes that it has started
        process.end()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory):
    program = shutil.which("redis-server")
    assert program, "redis-server is missing; 'make tools' installs it"
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    folder = tmp_path_factory.mktemp("redis")
    process = subprocess.Popen([program, *options, "--dir", str(folder)], stdout=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 300).close()
            break
        except OSError:
            time.sleep(0.05)  # until the process listens; nothing tells when it does
    assert process.poll() is None, "redis-server has ended"
    yield f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait()


_JUDGE = {
    "type": "self_check_output",
    "engine": "scripted",
    "model": "judge",
    "parameters": {"answers": [{"contains": "xyzzy", "text": "yes"}], "default": "no", "delay": 0.15},
}
_CALL = {"tool_calls": [{"name": "get_weather", "arguments": {"city": "Lisbon"}}]}
_TURNS = [
    {"contains": "noon", "text": "It is sunny at noon."},
    {"contains": "sunny", "tool_calls": [{"name": "get_time", "arguments": {"city": "Lisbon"}}]},
    {"contains": "weather", "tool_calls": [{"name": "get_weather", "arguments": {"city": "Lisbon"}}]},
]
_PHRASES = {"phrase check": {"phrases": ["swordfish"], "action": "block"}}
_MARKDOWN = (
    "First **window**.\n\n1. wipe\n2. dry [soap](https://example.com) [bad](javascript:alert(1)) ![x](https://x.test/a.png)"
    "\n\n<img src=x onerror=alert(1)> <style>body{display:none}</style> <script>alert(1)</script>"
)
_BREAKS = {"text": "It breaks off here.", "error": {"type": "server", "after": 2}}


@pytest.fixture(scope="session", name="process_of")
def process_of_fixture():
    """The class of a process, for one that several tests ask."""
    return Process


@pytest.fixture(scope="session")
def real_server(tmp_path_factory) -> Iterator[Process]:
    """One process with a key for all tests with real clients."""
    folder = tmp_path_factory.mktemp("real")
    sentence = " This is a sentence that nobody could object to, whatever they think."
    pace = {"tokens_per_second": 60}
    guarded = config([sentence * 3 + " Say xyzzy." + sentence * 3], output=["self check output"], parameters=pace)
    guarded["models"].append(_JUDGE)
    guarded["prompts"] = [{"task": "self_check_output", "content": "Block? {{ bot_response }}"}]
    slow = config(["Hello there."], output=["self check output"])
    slow["models"].append({**_JUDGE, "parameters": {**_JUDGE["parameters"], "delay": 0.3}})
    slow["prompts"] = guarded["prompts"]
    for name, values in {
        "plain": config(["Hello there."]),
        "endless": config([" word" * 50_000], parameters=pace),
        "slow": slow,
        "tools": config([_CALL]),
        "turns": config(_TURNS, input_=["phrase check"], output=["phrase check"], options=_PHRASES),
        "form": config(['{"city": "swordfish"}'], output=["phrase check"], options=_PHRASES),
        "reasons": config([{"text": "The moon.", "reasoning": "Who pulls the sea?"}]),
        "broken": config([_BREAKS], parameters=pace),
        "markdown": config([_MARKDOWN]),
        "long": config(["A sentence of many words.\n\n" * 60], output=["phrase check"], options=_PHRASES),
        "guarded": guarded,
        "masked": config(
            ["Write to anna.lind@example.com for more."],
            output=["personal data check"],
            options={"personal data check": {"action": "redact"}},
        ),
    }.items():
        write(folder, name, values)
    settings = folder.parent / "server.yml"
    settings.write_text("default_config_id: plain\n", encoding="utf-8")
    arguments = ("--config", str(folder), "--settings", str(settings), "--api-key-env", "REAL_SERVER_KEY")
    running = Process(*arguments, env={"REAL_SERVER_KEY": "right-key"})
    yield running
    running.signal()
    running.end()
