"""The server as clients of the original know it, message by message."""

from __future__ import annotations

import json

import anyio
import pytest
from nemoguardrails.server.api import create_app, settings

SAYS = "The moon pulls the sea."
SORRY = "I'm sorry, I can't respond to that."
HELLO = [{"role": "user", "content": "Hello!"}]
ERROR = {
    "message": "Blocked by self check output rails.",
    "type": "guardrails_violation",
    "param": "self check output",
    "code": "content_blocked",
}


@pytest.fixture
def ask(settings_of, tmp_path):
    """Ask the server; give the status and the body."""

    async def ask(body, path="/v1/chat/completions", method="POST", pieces=1, **config):
        (tmp_path / "plain").mkdir(exist_ok=True)
        (tmp_path / "plain" / "config.yml").write_text(json.dumps(settings_of(**config)), "utf-8")
        app = create_app(settings(config=tmp_path, playground=False))
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        size = len(data) // pieces + 1
        cut = [data[start : start + size] for start in range(0, len(data), size)] or [b""]
        incoming = [
            {"type": "http.request", "body": piece, "more_body": number + 1 < len(cut)}
            for number, piece in enumerate(cut)
        ]
        sent = []

        async def receive():
            if not incoming:
                await anyio.sleep_forever()
            return incoming.pop(0)

        async def send(message):
            sent.append(message)

        headers = [(b"content-type", b"application/json"), (b"host", b"127.0.0.1")]
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "scheme": "http",
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        await app(scope, receive, send)
        return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:]).decode()

    return ask


@pytest.fixture
def settings_of(settings):
    def make(**config):
        return settings(**{"judge": "no", "stream_first": False, **config})

    return make


def request(**more):
    return {"model": "plain", "messages": HELLO, "guardrails": {"config_id": "plain"}, **more}


@pytest.mark.parametrize("pieces", [1, 3])
@pytest.mark.parametrize("flat", [True, False])
async def test_a_message_of_the_role_context_sets_variables(ask, settings_of, pieces, flat):
    messages = [{"role": "context", "content": {"topic": "tides"}}, *HELLO]
    body = {"config_id": "plain", "messages": messages} if flat else request(messages=messages)
    if flat:
        body["options"] = {"output_vars": ["topic"]}
    status, said = await ask(body, pieces=pieces)
    assert status == 200, said
    assert SAYS in said
    if flat:
        assert json.loads(said)["output_data"]["topic"] == "tides"


async def test_any_model_may_be_named_beside_a_configuration(ask):
    status, said = await ask(request(model="gpt-4o"))
    assert status == 200, said
    assert json.loads(said)["choices"][0]["message"]["content"] == SAYS


async def test_a_block_of_a_stream_is_its_error(ask):
    status, said = await ask(request(stream=True), judge="yes")
    assert status == 200
    events = [json.loads(line.removeprefix("data: ")) for line in said.split("\n\n") if line.startswith("data: {")]
    assert [event["error"] for event in events if "error" in event] == [ERROR]
    assert "sorry" not in said
    assert said.rstrip().endswith("data: [DONE]")


async def test_rails_and_parts_of_the_log_may_be_chosen(ask):
    options = {"rails": {"output": False}, "log": {"activated_rails": True}}
    status, said = await ask({"config_id": "plain", "messages": HELLO, "options": options}, judge="yes")
    assert (status, SAYS in said) == (200, True)


async def test_there_are_no_challenges(ask):
    assert await ask(b"", "/v1/challenges", "GET") == (200, "[]")


@pytest.mark.parametrize("body", [b"{", b"[1]", b'{"messages": 1}', b"\xff", b"[" * 100_000])
async def test_what_is_no_request_is_the_servers_to_refuse(ask, body):
    status, _ = await ask(body)
    assert status in {400, 422}


async def test_a_body_that_is_too_large_is_the_servers_to_refuse(ask):
    assert (await ask(b'{"messages": "' + b"x" * (5 * 2**20) + b'"}', pieces=5))[0] == 413


TALK = [*HELLO, {"role": "assistant", "content": "An answer that is there."}]


@pytest.mark.parametrize("rails", [["output"], {"input": False, "dialog": False}])
@pytest.mark.parametrize(
    ("judge", "content"), [("no", TALK[-1]["content"]), ("yes", "I'm sorry, I can't respond to that.")]
)
async def test_options_without_dialog_run_rails_over_what_is_there(ask, rails, judge, content):
    options = {"rails": rails}
    body = request(model="m", messages=TALK, guardrails={"config_id": "plain", "options": options})
    status, said = await ask(body, judge=judge)
    assert status == 200, said
    assert json.loads(said)["choices"][0]["message"] == {"role": "assistant", "content": content}
    assert json.loads(said)["model"] == "m"


async def test_options_of_the_input_alone_generate_nothing_that_no_output_rail_sees(ask):
    body = {"config_id": "plain", "messages": HELLO, "options": {"rails": ["input"]}}
    status, said = await ask(body, judge="yes")
    assert SAYS not in said
    assert status == 200, said
    assert json.loads(said)["choices"][0]["message"]["content"] == HELLO[0]["content"]


@pytest.mark.parametrize(("judge", "contents"), [("no", []), ("yes", [SORRY])])
async def test_a_stream_of_rails_alone_holds_the_refusal_or_nothing(ask, judge, contents):
    guardrails = {"config_id": "plain", "options": {"rails": ["output"]}}
    status, said = await ask(request(messages=TALK, stream=True, guardrails=guardrails), judge=judge)
    assert (status, said.rstrip().endswith("data: [DONE]")) == (200, True)
    events = [json.loads(line.removeprefix("data: ")) for line in said.split("\n\n") if line.startswith("data: {")]
    deltas = [event["choices"][0]["delta"] for event in events]
    assert [delta["content"] for delta in deltas if "content" in delta] == contents


async def test_a_check_of_rails_that_there_are_not_is_an_error(ask):
    status, said = await ask(
        request(messages=TALK, guardrails={"config_id": "plain", "rail_types": ["input"]}), "/v1/checks"
    )
    assert (status, json.loads(said)["error"]["code"]) == (400, "rail_type_not_configured")
    status, said = await ask(request(messages=TALK, guardrails={"config_id": "plain"}), "/v1/checks")
    assert (status, json.loads(said)["status"]) == (200, "passed")


@pytest.mark.parametrize(("judge", "content"), [("no", TALK[-1]["content"]), ("yes", SORRY)])
async def test_options_may_turn_on_rails_that_there_are_not(ask, judge, content):
    guardrails = {"config_id": "plain", "options": {"rails": ["input", "output"]}}
    status, said = await ask(request(messages=TALK, guardrails=guardrails), judge=judge)
    assert status == 200, said
    assert json.loads(said)["choices"][0]["message"]["content"] == content


async def test_an_error_of_rails_alone_is_the_servers(ask):
    guardrails = {"config_id": "nowhere", "options": {"rails": ["input"]}}
    status, said = await ask(request(guardrails=guardrails))
    assert (status, json.loads(said)["error"]["code"]) == (404, "config_not_found")
