"""What was refused, a list's phrase, a judge's words and an upstream's facts stay out of answers, log and metrics."""

from __future__ import annotations

import json
import logging

import pytest
from fakes import FakeProvider, FunctionRail
from handrail import ConfigurationError, Verdict
from handrail.errors import (
    HandrailError,
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderConnectionError,
    ProviderContentFilterError,
    ProviderContextLengthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderServerError,
    ProviderTimeoutError,
)

CARD = "4111 1111 1111 1111"
PHRASE = "internal use only"
UPSTREAM = "http://10.9.8.7:8080/v1"
VARIABLE = "SECRET_KEY_VARIABLE"
SAID = f"fake 'm1' at {UPSTREAM}: 400: Invalid prompt: {CARD}; {PHRASE}; check the key in '{VARIABLE}'"
PLANTED = (CARD, PHRASE, UPSTREAM, "10.9.8.7", VARIABLE)
EVERYTHING = {"log": {"activated_rails": True}, "output_vars": True, "llm_output": True}


def refuse(window):
    return Verdict.block(f"the text matches {PHRASE!r} at {CARD}", category=PHRASE)


def fail(window):
    raise RuntimeError(f"the judge said neither yes nor no: {SAID}")


RAILS = {
    "refuse": FunctionRail(refuse),
    "fail": FunctionRail(fail),
    "other": FunctionRail(lambda window: 3),
}


@pytest.fixture
def planted(caplog):
    """Return every planted value that stands in what is passed, or in the log."""
    caplog.set_level(logging.DEBUG)

    def find(*answers):
        shown = b"".join(answer.body + json.dumps(answer.headers).encode() for answer in answers).decode()
        return [value for value in PLANTED if value in shown or value in caplog.text]

    return find


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", [None, "a"])
@pytest.mark.parametrize("where", ["input", "output"])
@pytest.mark.parametrize("rail", RAILS)
async def test_nothing_that_a_rail_found_is_told(serve, fake, planted, rail, where, model, stream):
    flows = {"input_": [rail]} if where == "input" else {"output": [rail]}
    client = serve({"a": fake(**flows)}, rails=RAILS, provider=FakeProvider([f"It is {CARD}, {PHRASE}."]))
    fields = {"model": model} if model else {}
    answer = await client.chat(stream=stream, options=EVERYTHING, **fields) if not model else None
    answer = answer or await client.chat(stream=stream, guardrails={"options": EVERYTHING, "trace": stream}, **fields)
    metrics = await client.get("/metrics")
    assert planted(answer, metrics) == []
    assert rail in answer.body.decode()
    if rail == "refuse":
        blocked = (answer.last if stream else answer.json)["guardrails"]["blocked"] if model else None
        assert blocked is None or (blocked["reason"], blocked["category"]) == ("the rail refused it", None)


ERRORS = [
    ProviderAuthenticationError(SAID, status=401, code=CARD),
    ProviderBadRequestError(SAID, status=400, code=PHRASE, request_id=CARD),
    ProviderBadRequestError(SAID, status=404, code="model_not_found"),
    ProviderConnectionError(SAID),
    ProviderContentFilterError(SAID, code=CARD),
    ProviderContextLengthError(SAID, status=400),
    ProviderRateLimitError(SAID, status=429, code=CARD),
    ProviderServerError(SAID, status=500, code=CARD),
    ProviderTimeoutError(SAID),
    ProviderError(SAID),
    HandrailError(SAID),
    RuntimeError(SAID),
    ExceptionGroup(SAID, [ValueError(SAID)]),
]


@pytest.mark.parametrize("text", [[], ["some text"]], ids=["at once", "in the middle"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: f"{type(error).__name__} {getattr(error, 'status', '')}")
async def test_nothing_that_an_upstream_says_is_told(serve, fake, planted, error, stream, text):
    client = serve({"a": fake()}, provider=FakeProvider(text, delay=0.001, error=error))
    answer = await client.chat(stream=stream)
    assert planted(answer, await client.get("/metrics")) == []
    assert b'"error"' in answer.body


async def test_failure_of_the_server_itself_tells_where_and_not_what(serve, fake, planted, caplog, monkeypatch):
    from handrail_server._policy import Gatekeeper

    def broken(self, body):
        raise KeyError(CARD) from ValueError(PHRASE)

    monkeypatch.setattr(Gatekeeper, "chat", broken)
    answer = await serve({"a": fake()}).chat()
    assert (answer.status, answer.error["code"]) == (500, "internal_error")
    assert planted(answer) == []
    assert "KeyError" in caplog.text
    assert "from ValueError" in caplog.text
    assert "in broken" in caplog.text


async def test_store_that_fails_is_not_quoted(serve, fake, planted):
    from handrail_server import MemoryStore

    class Broken(MemoryStore):
        async def load(self, key):
            raise OSError(SAID)

    client = serve({"a": fake()}, store=Broken(threads=1, messages=1, size=1))
    answer = await client.chat(thread_id="a-thread-of-at-least-16")
    assert answer.status == 503
    assert planted(answer) == []


async def test_operator_may_let_rails_reasons_out(serve, fake):
    client = serve({"a": fake(output=["refuse"])}, rails=RAILS, policy={"reasons": True})
    answer = await client.chat(model="a", stream=True)
    assert answer.last["guardrails"]["blocked"]["category"] == PHRASE


async def test_registered_values_are_not_variables_of_a_client(serve, fake, root, write):
    folder = write(root, "a", fake())
    (folder / "config.py").write_text(f"def init(app):\n    app.register_prompt_context('policy', {CARD!r})\n")
    (folder / "rails.co").write_text("define subflow nothing\n  $x = 1\n", encoding="utf-8")
    client = serve()
    for wanted in (True, ["policy"], ["policy", "user_message"]):
        answer = await client.chat(options={"output_vars": wanted}, context={"policy": "mine", "mine": "kept"})
        data = answer.json["output_data"]
        assert CARD not in answer.body.decode()
        assert "policy" not in data
        assert data.get("mine", "kept") == "kept"


async def test_broken_configuration_is_told_to_the_operator_alone(serve, fake, planted, root):
    client = serve({"a": fake()})
    (root / "b").mkdir()
    (root / "b" / "config.yml").write_text(f"models:\n  - type: {CARD}\n    engine: nope\n", encoding="utf-8")
    answer = await client.chat(config_id="b")
    assert (answer.status, answer.error["code"]) == (424, "config_broken")
    assert CARD not in answer.body.decode()


def test_configuration_error_is_one_of_the_operators(serve):
    with pytest.raises(ConfigurationError):
        serve()
