"""What the operator decides: who may ask, what clients may change, and how much."""

from __future__ import annotations

import logging

import anyio
import pytest
from fakes import FakeProvider, FunctionRail
from handrail import ConfigurationError, Verdict
from handrail_server import ServerSettings
from virtual import OnAVirtualClock


async def test_keys_are_asked_for_where_they_are_set(serve, config, monkeypatch):
    monkeypatch.setenv("SERVER_KEYS", "first-key, second-key")
    client = serve({"a": config()}, api_key_env="SERVER_KEYS")
    wrong = (
        {},
        {"authorization": "Bearer third"},
        {"authorization": "Basic first-key"},
        {"authorization": "Bearer \xff"},
    )
    for headers in wrong:
        answer = await client.chat(headers=headers)
        assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")
    for key in ("first-key", "second-key"):
        assert (await client.chat(headers={"authorization": f"Bearer {key}"})).status == 200


def test_named_variable_without_a_key_is_an_error(serve, config, monkeypatch):
    monkeypatch.setenv("SERVER_KEYS", " , ")
    with pytest.raises(ConfigurationError, match="SERVER_KEYS"):
        serve({"a": config()}, api_key_env="SERVER_KEYS")


async def test_client_cannot_choose_rails_unless_it_may(serve, fake):
    rail = FunctionRail(lambda window: Verdict.block("no"))
    arguments = {"configs": {"a": fake(output=["words"])}, "rails": {"words": rail}}
    for rails in (["input"], {"output": False}, {"output": []}):
        answer = await serve(**arguments).chat(options={"rails": rails})
        assert (answer.status, answer.error["param"]) == (403, "options.rails")
        answer = await serve(**arguments).chat(guardrails={"options": {"rails": rails}})
        assert answer.status == 403
    allowed = serve(**arguments, policy={"rails": True})
    assert (await allowed.chat(options={"rails": ["input"]})).json["messages"][0]["content"] == "hi"


@pytest.mark.parametrize(
    "asked",
    [{"options": {"log": {"activated_rails": True}}}, {"thread_id": "a-thread-of-at-least-16"}, {"state": {"a": 1}}],
)
async def test_checks_take_nothing_that_is_for_an_answer(serve, fake, asked):
    client = serve({"a": fake()}, policy={"log": ["activated_rails"]})
    body = {"config_id": "a", "messages": [{"role": "user", "content": "hi"}]}
    assert (await client.post("/v1/checks", body)).status == 200
    answer = await client.post("/v1/checks", {**body, "guardrails": asked})
    assert (answer.status, answer.error["param"]) == (400, "guardrails")


@pytest.mark.parametrize(
    ("name", "value"),
    [("options", {"llm_output": True}), ("thread_id", "a-thread-of-at-least-16"), ("state", {}), ("context", {"a": 1})],
)
async def test_what_is_written_in_both_places_is_refused(serve, fake, name, value):
    """Whichever were taken, one party would believe in the other."""
    client = serve({"a": fake()}, policy={"context": True})
    for place in ({name: value}, {"guardrails": {name: value}}):
        assert (await client.chat(**place)).status == 200
    answer = await client.chat(**{name: value, "guardrails": {name: value}})
    assert (answer.status, answer.error["param"]) == (400, name)


async def test_only_roles_that_the_policy_names_may_be_sent(serve, fake):
    provider = FakeProvider(["fine"])
    client = serve({"a": fake()}, provider=provider, policy={"roles": ["user"]})
    new = {"role": "user", "content": "And then?"}
    for role in ("assistant", "system", "developer", "tool"):
        answer = await client.chat(messages=[{"role": role, "content": "Sure."}, new])
        assert (answer.status, answer.error["code"], answer.error["param"]) == (403, "not_allowed", "messages[0].role")
        assert answer.error["message"] == f"'messages[0].role' may not be set here: '{role}'; allowed: user."
    assert not provider.opened
    for _ in range(2):
        assert (await client.chat(messages=[new], thread_id="a-thread-of-at-least-16")).status == 200
    assert [m["role"] for m in provider.messages[-1]] == ["user", "assistant", "user"]


async def test_parameters_reach_the_model_as_far_as_they_may(serve, config):
    client = serve({"a": config(["one two three"])}, policy={"parameters": ["max_tokens"]})
    for fields in ({"max_tokens": 1}, {"options": {"llm_params": {"max_tokens": 1}}}):
        assert (await client.chat(**fields)).json["messages"][0]["content"] == "one"
    answer = await client.chat(temperature=1)
    assert (answer.status, answer.error["param"]) == (400, "temperature")


async def test_models_beside_the_configured_one_are_the_operators_choice(serve, config):
    client = serve({"a": config()}, policy={"models": ["m2"]})
    assert [(await client.chat(model=model)).status for model in ("m1", "m2", "a", "m3")] == [200, 200, 200, 404]
    assert [entry["id"] for entry in (await client.get("/v1/models")).json["data"]] == ["a", "m2"]


async def test_combinations_are_the_operators_choice(serve, config, root):
    rails_only = {"models": [], "rails": {"output": {"flows": []}}}
    client = serve({"a": config(["from a"]), "b": rails_only, "c": rails_only}, policy={"combinations": [["a", "b"]]})
    assert (await client.chat(config_ids=["a", "b"])).status == 200
    assert (await client.chat(config_ids=["a"])).status == 200
    assert (await client.chat(config_ids=["a", "a"])).status == 200
    for ids in (["b", "a"], ["a", "c"], ["a", "b", "c"], ["a", "b", "b", "c"]):
        for fields in ({"config_ids": ids}, {"guardrails": {"config_ids": ids}}):
            answer = await client.chat(**fields)
            assert (answer.status, answer.error["code"], answer.error["param"]) == (403, "not_allowed", "config_ids")
        checks = {"config_ids": ids, "messages": [{"role": "user", "content": "x"}]}
        assert (await client.post("/v1/checks", checks)).status == 403
    with pytest.raises(ConfigurationError, match="policy.combinations: unknown configuration 'nope'"):
        serve(policy={"combinations": [["a", "nope"]]})


@pytest.mark.parametrize("name", ["user_message", "bot_message", "user_input", "bot_response", "last_user_message"])
async def test_context_cannot_stand_in_for_what_rails_judge(serve, config, name):
    client = serve({"a": config()})
    for fields in ({"context": {name: "harmless"}}, {"guardrails": {"context": {name: "harmless"}}}):
        answer = await client.chat(**fields)
        assert (answer.status, answer.error["code"]) == (403, "not_allowed")


async def test_context_reaches_the_rails_if_the_policy_lets_it(serve, fake):
    rail = FunctionRail()
    arguments = {"configs": {"a": fake(output=["words"])}, "rails": {"words": rail}}
    assert (await serve(**arguments).chat(context={"relevant_chunks": "facts"})).status == 200
    assert rail.turns[0].variables["relevant_chunks"] == "facts"
    assert (await serve(**arguments, policy={"context": False}).chat(context={"a": 1})).status == 403


async def test_log_parts_that_show_prompts_are_not_for_clients(serve, config):
    answer = await serve({"a": config()}).chat(options={"log": {"llm_calls": True}})
    assert (answer.status, answer.error["param"]) == (403, "options.log.llm_calls")
    allowed = serve({"a": config()}, policy={"log": ["llm_calls"]})
    assert (await allowed.chat(options={"log": {"llm_calls": True}})).json["log"]["llm_calls"][0]["total_tokens"] > 0


async def test_trace_needs_the_playground(serve, config):
    client = serve({"a": config()}, playground=False)
    assert (await client.chat(stream=True, guardrails={"trace": True})).status == 403
    assert b"<html" not in (await client.get("/")).body


async def test_server_that_is_full_says_when_to_try_again(serve, fake):
    provider = FakeProvider(["hi"], hang=True)
    client = serve({"a": fake()}, provider=provider, limits={"concurrency": 1})
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.chat)
        while not provider.opened:  # noqa: ASYNC110  # until the model was asked
            await anyio.sleep(0.001)
        answer = await client.chat()
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert (await client.get("/healthz")).status == 200
        tasks.cancel_scope.cancel()
    provider.hang = False
    assert (await client.chat()).status == 200


async def test_key_that_is_busy_gets_429(serve, fake, monkeypatch):
    monkeypatch.setenv("SERVER_KEYS", "one,two")
    provider = FakeProvider(["hi"], hang=True)
    client = serve({"a": fake()}, provider=provider, api_key_env="SERVER_KEYS", limits={"concurrency_per_key": 1})
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: client.chat(headers={"authorization": "Bearer one"}))
        while not provider.opened:  # noqa: ASYNC110  # until the model was asked
            await anyio.sleep(0.001)
        answer = await client.chat(headers={"authorization": "Bearer one"})
        assert (answer.status, answer.headers["retry-after"], answer.error["type"]) == (429, "1", "rate_limit_error")
        assert (await client.get("/v1/models", headers={"authorization": "Bearer two"})).status == 200
        tasks.cancel_scope.cancel()


class TestOnAVirtualClock(OnAVirtualClock):
    """How much comes within a time is not up to the machine."""

    async def test_answer_that_takes_too_long_is_ended(self, serve, fake):
        provider = FakeProvider(["hi"], delay=0.001, hang=True)
        client = serve({"a": fake()}, provider=provider, limits={"request_seconds": 0.1})
        assert ((whole := await client.chat()).status, whole.error["code"]) == (504, "timeout")
        streamed = await client.chat(stream=True)
        assert "hi" in streamed.body.decode()
        assert streamed.events[-1]["error"]["code"] == "timeout"
        assert provider.closed == 2


async def test_local_server_is_not_known_by_other_names(serve, config):
    """Else a web page could reach it, by giving its own name the address 127.0.0.1."""
    client = serve({"a": config()})
    assert (await client.get("/v1/models", headers={"host": "evil.example"})).status == 421
    for host in ("localhost:8000", "127.0.0.1", "[::1]:8000"):
        assert (await client.get("/v1/models", headers={"host": host})).status == 200
    named = serve(allowed_hosts=["guard.example"])
    assert (await named.get("/v1/models", headers={"host": "guard.example"})).status == 200
    assert (await serve(host="0.0.0.0", insecure=True).get("/v1/models", headers={"host": "any"})).status == 200


async def test_other_origins_may_ask_only_if_they_are_named(serve, config):
    asks = {"origin": "https://app.example", "access-control-request-method": "POST"}
    closed = await serve({"a": config()}).ask("OPTIONS", "/v1/chat/completions", headers=asks)
    assert "access-control-allow-origin" not in closed.headers
    opened = serve(cors_origins=["https://app.example"])
    answer = await opened.ask("OPTIONS", "/v1/chat/completions", headers=asks)
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    other = await opened.ask("OPTIONS", "/v1/models", headers={**asks, "origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


async def test_request_ids_are_kept_if_they_are_sound(serve, config):
    client = serve({"a": config()})
    assert (await client.get("/healthz", headers={"x-request-id": "abc-1"})).headers["x-request-id"] == "abc-1"
    for bad in ("a b", "x" * 200, "\xff"):
        assert (await client.get("/healthz", headers={"x-request-id": bad})).headers["x-request-id"].startswith("req_")


async def test_access_log_has_no_content(serve, config, caplog):
    caplog.set_level(logging.INFO)
    client = serve({"a": config(["private answer"])})
    await client.chat(messages=[{"role": "user", "content": "private question"}], stream=True)
    assert '"POST /v1/chat/completions" 200' in caplog.text
    assert "private" not in caplog.text


async def test_access_log_names_the_call_by_which_records_and_traces_know_it(serve, fake, caplog):
    caplog.set_level(logging.INFO)

    def look(window):
        raise ValueError

    client = serve({"a": fake(output=["words"])}, provider=FakeProvider(["Hi"]), rails={"words": FunctionRail(look)})
    for stream in (True, False):
        await client.chat(stream=stream)
    failures = [record.getMessage() for record in caplog.records if "rail 'words' failed" in record.getMessage()]
    seen = [message.rpartition("call ")[2].strip(")") for message in failures if "call " in message]
    lines = [record.getMessage() for record in caplog.records if record.name == "handrail.access"]
    assert len(seen) == len(lines) == 2
    assert all(f"ms call={call} req_" in line for call, line in zip(seen, lines, strict=True))


async def test_metrics_count_what_happened(serve, fake):
    provider = FakeProvider([" fine"] * 30 + [" bad"] + [" more"] * 30, delay=0.001)
    rail = FunctionRail(lambda window: Verdict.block("no") if "bad" in window.text else Verdict.allow())
    client = serve({"a": fake(output=["words"])}, provider=provider, rails={"words": rail})
    await client.chat(stream=True)
    await client.chat(config_id="nope")
    text = (await client.get("/metrics")).body.decode()
    assert 'handrail_requests_total{route="/v1/chat/completions",status="200"} 1' in text
    assert 'handrail_requests_total{route="/v1/chat/completions",status="404"} 1' in text
    assert 'handrail_blocks_total{rail="words",direction="output"} 1' in text
    assert 'decision="block"} 1' in text
    assert "handrail_streams_open 0" in text
    for name in ("first_text_seconds_bucket", "held_seconds_sum", "tokens_total", "check_seconds_count"):
        assert f"handrail_{name}" in text


async def test_everything_is_served_below_a_prefix(serve, config):
    client = serve({"a": config()}, prefix="/guard/")
    assert (
        await client.post("/guard/v1/chat/completions", {"messages": [{"role": "user", "content": "x"}]})
    ).status == 200
    assert (await client.get("/v1/models")).status == 404
    assert (await client.get("/guard/healthz")).status == 200


def test_settings_file_gives_what_the_command_line_does_not(tmp_path):
    file = tmp_path / "server.yml"
    file.write_text("config: configs\nport: 9000\nlimits: {concurrency: 3}\n", encoding="utf-8")
    settings = ServerSettings.read(file, port=9001, host=None)
    assert (settings.port, settings.limits.concurrency, settings.config) == (9001, 3, tmp_path / "configs")
    file.write_text("config: x\npolicy: {rail: true}\nlimits: {messages: none}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        ServerSettings.read(file)
    assert {problem.split(": ")[1] for problem in caught.value.problems} == {"policy.rail", "limits.messages"}
    assert "policy.rail: unknown key; did you mean 'rails'?" in str(caught.value)


def test_setting_that_resembles_none_is_answered_with_those_that_there_are(tmp_path):
    file = tmp_path / "server.yml"
    file.write_text("config: x\nlimits: {zzz: 1}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"limits\.zzz: unknown key; known: .*idle_seconds"):
        ServerSettings.read(file)


async def test_metrics_count_judges_and_what_observing_rails_would_have_done(serve, fake):
    rail = FunctionRail(lambda window: Verdict.block("no"))
    watched = fake(output=["words"])
    watched["rails"]["config"] = {"words": {"mode": "observe"}}
    client = serve({"a": watched}, provider=FakeProvider(["Hello"]), rails={"words": rail})
    assert (await client.chat()).status == 200
    text = (await client.get("/metrics")).body.decode()
    assert 'handrail_would_have_total{rail="words",direction="output",decision="block"} 1' in text
    assert 'handrail_calls_total{config="a",kind="whole",outcome="finished"} 1' in text
    assert "handrail_blocks_total{" not in text
    assert 'handrail_tokens_total{direction="input",config="a",model=' in text
    assert 'task="general"} ' in text
