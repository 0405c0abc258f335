"""Ask a real Prometheus, which scrapes a real server, every query of the dashboards: each must find something."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml

_KEY = "hr-observed"
_KEYS = {"keys": [{"label": "ann", "hashes": [f"sha256:{hashlib.sha256(_KEY.encode()).hexdigest()}"], "metrics": True}]}
_MAIN = {"type": "main", "engine": "scripted", "model": "m", "parameters": {"answers": ["ada@example.org"] * 99}}
_JUDGE = {**_MAIN, "type": "self_check_output", "model": "j", "parameters": {"answers": ["Yes", "No"] * 99}}
_NOWHERE = {"base_url": "http://127.0.0.1:1/v1", "api_key": "none"}
_BROKEN = {"type": "main", "engine": "openai", "model": "x", "parameters": _NOWHERE}
_CONFIGS = {
    "guarded": {
        "models": [_MAIN, _JUDGE],
        "rails": {
            "output": {"flows": ["self check output", "personal data check"], "streaming": {"enabled": True}},
            "config": {"personal data check": {"mode": "observe", "action": "block"}},
        },
        "prompts": [{"task": "self_check_output", "content": "Must this be blocked? {{ bot_response }}"}],
        "prices": {"currency": "EUR", "models": {"m": {"input": 1, "output": 1}, "j": {"input": 1, "output": 1}}},
    },
    "broken": {"models": [_BROKEN]},
}
_SECONDS = 60


def empty(queries: Iterable[str], folder: Path) -> list[str]:
    """Return the queries that find nothing while the server has answered, refused, failed and been paid."""
    server, prometheus = _free_port(), _free_port()
    with ExitStack() as stack:
        for name, command in _commands(folder, server, prometheus).items():
            stack.enter_context(_running(command, folder / f"{name}.log"))
        ends, left = time.monotonic() + _SECONDS, list(queries)
        while left and time.monotonic() < ends:
            for config in _CONFIGS:
                _ask(server, config)
            left = [query for query in left if not _found(prometheus, query)]
        return left


def _commands(folder: Path, server: int, prometheus: int) -> dict[str, list[str]]:
    for name, config in _CONFIGS.items():
        (folder / "configs" / name).mkdir(parents=True)
        (folder / "configs" / name / "config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    scraped = {
        "job_name": "handrail",
        "scrape_interval": "1s",
        "authorization": {"credentials": _KEY},
        "static_configs": [{"targets": [f"127.0.0.1:{server}"]}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump({"scrape_configs": [scraped]}), encoding="utf-8")
    (folder / "keys.yml").write_text(yaml.safe_dump(_KEYS), encoding="utf-8")
    serve = [sys.executable, "-m", "handrail_cli.app", "server", str(folder / "configs"), "--port", str(server)]
    store, config = f"--storage.tsdb.path={folder / 'tsdb'}", f"--config.file={folder / 'prometheus.yml'}"
    return {
        "server": [*serve, "--keys", str(folder / "keys.yml")],
        "prometheus": ["prometheus", config, store, f"--web.listen-address=127.0.0.1:{prometheus}"],
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextmanager
def _running(command: list[str], log: Path) -> Iterator[None]:
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            yield
        finally:
            process.terminate()


def _ask(port: int, config: str) -> None:
    """Ask the server for an answer; there need not be one, for it may be starting still, or break."""
    body = {"model": config, "stream": True, "messages": [{"role": "user", "content": "hello"}]}
    headers = {"Authorization": f"Bearer {_KEY}", "Content-Type": "application/json"}
    _sent(urllib.request.Request(f"http://127.0.0.1:{port}/v1/chat/completions", json.dumps(body).encode(), headers))


def _found(port: int, query: str) -> bool:
    asked = urllib.parse.urlencode({"query": query})
    answer = _sent(urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/query?{asked}"))
    return bool(answer and json.loads(answer)["data"]["result"])


def _sent(request: urllib.request.Request) -> bytes:
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return bytes(answer.read())
    except (urllib.error.URLError, OSError):
        time.sleep(0.2)  # nobody listens yet, or a model is broken
        return b""
