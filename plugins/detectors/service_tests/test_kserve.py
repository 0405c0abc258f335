"""The engine `kserve` speaks with KServe's own server as it is published, in an environment of its own below .venvs."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import closing, suppress
from pathlib import Path

import anyio
import httpx2
import pytest
from handrail import LLMRails, RailsConfig, Turn, Window

HERE = Path(__file__).parent
PYTHON = HERE.parents[2] / ".venvs" / "kserve" / "bin" / "python"
NAMES, LABELS = ["fine", "toxic"], {"fine": None, "toxic": "toxicity"}


@pytest.fixture(scope="module")
def url():
    with closing(socket.create_server(("127.0.0.1", 0))) as one:
        port = one.getsockname()[1]
    server = subprocess.Popen([PYTHON, HERE / "kserve_words.py", str(port)], stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            assert server.poll() is None, "the server has ended"
            with suppress(httpx2.HTTPError):
                if httpx2.get(f"http://127.0.0.1:{port}/v2/models/words/ready").status_code == 200:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


async def test_a_batch_is_judged_by_a_real_server(url):
    section = {"engine": "kserve", "url": url, "model": "words", "names": NAMES, "labels": LABELS}
    rails = {
        "output": {"flows": ["toxicity classifier"], "streaming": {"enabled": True}},
        "config": {"toxicity classifier": section},
    }
    texts, found = ("The moon.", "You blockhead.", "Tides \u00e9\U0001f600"), {}
    async with LLMRails(RailsConfig.from_content(config={"rails": rails})) as guarded:
        (plan,) = guarded.composition.output_rails

        async def ask(text):
            found[text] = await plan.rail.check(Window(text, 0, 0, len(text), len(text), last=True), Turn())

        async with anyio.create_task_group() as group:
            for text in texts:
                group.start_soon(ask, text)
    assert [found[text].decision for text in texts] == ["allow", "block", "allow"]
    assert found["You blockhead."].score == pytest.approx(0.9)
