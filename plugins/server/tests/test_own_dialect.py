"""A dialect that another package adds: served beside ours, guarded like ours, and never in the place of another."""

from __future__ import annotations

import pytest
from fakes import FakeProvider, FunctionRail
from handrail import ConfigurationError, Registry, Verdict
from handrail.errors import PluginConflictError
from handrail.plugins import DialectSpec, ProviderSpec, RailSpec, hookimpl
from handrail_server import ChatBody, ServerSettings, create_app
from pydantic import BaseModel


class Question(BaseModel):
    question: str
    stream: bool = False


class LinesWriter:
    """Writes an answer line by line."""

    keep_alive = b"~\n"

    def begin(self):
        return b""

    def learn(self, wire, calls):
        pass

    def items(self, items):
        return "".join(f"+ {item}\n" for item in items if isinstance(item, str)).encode()

    def aside(self, guardrails):  # noqa: ARG002  # the interface's
        return b""

    def finish(self, ended, error):  # noqa: ARG002  # likewise
        return f"= {ended.refusal.message if ended.refusal else ended.ending['finish_reason']}\n".encode()

    def fail(self, error):
        return f"! {error.code}\n".encode()


class Lines:
    """Questions in, lines out."""

    name = "lines"
    id_prefix = "line-"
    path = "/v1/lines"
    body = Question

    def wanted(self, body):
        return ChatBody(model="a", messages=[{"role": "user", "content": body.question}], stream=body.stream)

    def adapted(self, wanted, body, engine):  # noqa: ARG002  # likewise
        return wanted

    def writer(self, heading, wanted, body):  # noqa: ARG002  # likewise
        return LinesWriter()

    def whole(self, ended, body):  # noqa: ARG002  # likewise
        return {"answer": ended.refusal.message if ended.refusal else ended.response.text}

    def error(self, error):
        return {"wrong": error.code}


class AtChat(Lines):
    path = "/v1/chat/completions"


@pytest.fixture
def app(root, write, fake):
    """Make an application with a dialect."""

    def make(name, dialect, **settings):
        class Plugin:
            @hookimpl
            def handrail_providers(self):
                yield ProviderSpec("fake", lambda settings, context: FakeProvider(["Fine."]))

            @hookimpl
            def handrail_rails(self):
                judge = lambda window: Verdict.block("x") if "bad" in window.text else Verdict.allow()  # noqa: E731
                yield RailSpec("words", lambda settings, context: FunctionRail(judge))

            @hookimpl
            def handrail_dialects(self):
                yield DialectSpec(name, dialect, "Lines.")

        write(root, "a", fake(input_=["words"]))
        return create_app(ServerSettings(config=root, **settings), registry=Registry.discover().with_plugins(Plugin()))

    return make


@pytest.fixture
def client(serve, app):
    """A client of the test's own application."""
    made = serve({"b": {"models": [{"type": "main", "engine": "scripted", "parameters": {"answers": ["x"]}}]}})

    def make(*arguments, **settings):
        made.app = app(*arguments, **settings)
        return made

    return make


async def test_it_is_served_and_guarded(client):
    lines = client("lines", Lines)
    assert (await lines.post("/v1/lines", {"question": "How?"})).json == {"answer": "Fine."}
    streamed = await lines.post("/v1/lines", {"question": "How?", "stream": True})
    assert streamed.body == b"+ Fine.\n= stop\n"
    refused = await lines.post("/v1/lines", {"question": "bad", "stream": True})
    assert refused.body.startswith(b"= I'm sorry")
    wrong = await lines.post("/v1/lines", {})
    assert (wrong.status, wrong.json) == (400, {"wrong": "invalid_value"})


async def test_an_object_may_be_offered_itself(client):
    assert (await client("lines", Lines()).post("/v1/lines", {"question": "How?"})).status == 200


async def test_it_asks_for_a_key_where_others_do(client, monkeypatch):
    monkeypatch.setenv("LINES_KEY", "right-key")
    lines = client("lines", Lines, api_key_env="LINES_KEY")
    told = await lines.post("/v1/lines", {"question": "How?"})
    assert (told.status, told.json) == (401, {"wrong": "invalid_api_key"})


def test_it_takes_no_path_that_is_another_s(app):
    with pytest.raises(ConfigurationError, match="which is taken"):
        app("lines", AtChat)


def test_it_takes_no_name_that_is_another_s(app):
    with pytest.raises(PluginConflictError, match="dialect 'chat' is offered by"):
        app("chat", Lines)
