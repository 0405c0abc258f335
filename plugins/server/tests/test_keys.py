"""Keys belong to tenants: a file with hashes, configurations, limits and labels."""

from __future__ import annotations

import logging
import subprocess
import sys

import anyio
import pytest
import yaml
from fakes import FakeProvider, FunctionRail
from handrail import Chunk, ConfigurationError, Usage
from handrail_server._keys import Keys, entry_of, new_key, read_keys
from handrail_server._rates import Allowance
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture
def tenants(serve, tmp_path, fake):
    """Serve for tenants; give the client and the headers of each."""

    def make(entries, *, configs=("a", "b"), config=None, **options):
        headers = {}
        written = []
        for label, more in entries.items():
            key, hashed = new_key()
            headers[label] = {"authorization": f"Bearer {key}"}
            written.append({"label": label, "hashes": [hashed], **more})
        file = tmp_path / "keys.yml"
        file.write_text(yaml.safe_dump({"keys": written}), encoding="utf-8")
        return serve({name: config or fake() for name in configs}, keys=file, **options), headers

    return make


async def test_tenant_sees_and_uses_its_own_configurations_alone(tenants):
    client, headers = tenants({"one": {"configurations": ["a"]}, "all": {}})
    one = headers["one"]
    assert (await client.chat(config_id="a", headers=one)).status == 200
    assert (await client.chat(model="a", headers=one)).status == 200
    assert (await client.chat(headers=one)).json["messages"]  # its only one is its default
    unknown = await client.chat(config_id="nope", headers=one)
    other = await client.chat(config_id="b", headers=one)
    assert other.status == unknown.status == 404
    assert other.body.replace(b"'b'", b"'nope'") == unknown.body  # that it exists is not told
    assert (await client.chat(config_ids=["b"], headers=one)).status == 404
    assert (await client.chat(model="b", headers=one)).status == 404
    listed = [m["id"] for m in (await client.get("/v1/models", headers=one)).json["data"]]
    assert listed == ["a"]
    assert (await client.get("/v1/rails/configs", headers=one)).json == [{"id": "a"}]
    assert (await client.get("/v1/models/b", headers=one)).status == 404
    checks = {"messages": [{"role": "user", "content": "x"}], "config_id": "b"}
    assert (await client.post("/v1/checks", checks, headers=one)).status == 404
    assert [m["id"] for m in (await client.get("/v1/models", headers=headers["all"])).json["data"]] == ["a", "b"]


async def test_combination_needs_all_of_its_configurations(tenants):
    policy = {"combinations": [["a", "b"]]}
    client, headers = tenants({"one": {"configurations": ["a"]}, "two": {"configurations": ["a", "b"]}}, policy=policy)
    assert (await client.chat(config_ids=["a", "b"], headers=headers["one"])).status == 404
    assert (await client.chat(config_ids=["a", "b"], headers=headers["two"])).status == 200
    assert (await client.chat(config_ids=["b", "a"], headers=headers["two"])).error["code"] == "not_allowed"


async def test_requests_a_minute_are_bounded_for_each_tenant(tenants):
    client, headers = tenants({"one": {"limits": {"requests_per_minute": 3}}, "all": {}}, configs=("a",))
    found = [await client.chat(headers=headers["one"]) for _ in range(4)]
    assert [answer.status for answer in found] == [200, 200, 200, 429]
    assert found[-1].error["code"] == "rate_limit_exceeded"
    assert 1 <= int(found[-1].headers["retry-after"]) <= 21
    assert (await client.get("/v1/models", headers=headers["one"])).status == 429
    assert (await client.chat(headers=headers["all"])).status == 200


@pytest.mark.parametrize("stream", [False, True])
async def test_tokens_a_minute_are_bounded_by_what_answers_cost(tenants, stream):
    provider = FakeProvider(["hi", Chunk(finish_reason="stop", usage=Usage(40, 30))])
    limits = {"limits": {"tokens_per_minute": 100}, "metrics": True}
    client, headers = tenants({"one": limits}, configs=("a",), provider=provider)
    found = [(await client.chat(headers=headers["one"], stream=stream)).status for _ in range(4)]
    assert found == [200, 200, 429, 429]
    assert (await client.get("/v1/models", headers=headers["one"])).status == 200  # which costs no token
    text = (await client.get("/metrics", headers=headers["one"])).body.decode()
    assert 'handrail_key_tokens_total{key="one",config="a",direction="input"} 80' in text
    assert 'handrail_key_requests_total{key="one",status="429"} 2' in text


async def test_client_that_leaves_has_paid_for_its_question(tenants):
    provider = FakeProvider(["hi"], hang=True)
    limits = {"limits": {"tokens_per_minute": 1000}}
    client, headers = tenants({"one": limits}, configs=("a",), provider=provider)
    question = [{"role": "user", "content": "word " * 2000}]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: client.chat(messages=question, headers=headers["one"]))
        while not provider.opened:  # noqa: ASYNC110  # until the model was asked
            await anyio.sleep(0.001)
        tasks.cancel_scope.cancel()
    assert (await client.chat(messages=question, headers=headers["one"])).status == 429


async def test_failed_answer_costs_nothing(tenants):
    provider = FakeProvider([], error=RuntimeError("boom"))
    client, headers = tenants({"one": {"limits": {"tokens_per_minute": 10}}}, configs=("a",), provider=provider)
    question = [{"role": "user", "content": "word " * 2000}]
    assert [(await client.chat(messages=question, headers=headers["one"])).status for _ in range(3)] == [500] * 3


async def test_tenant_with_many_requests_at_once_gets_429(tenants):
    provider = FakeProvider(["hi"], hang=True)
    client, headers = tenants({"one": {"limits": {"concurrency": 1}}, "all": {}}, configs=("a",), provider=provider)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: client.chat(headers=headers["one"]))
        while not provider.opened:  # noqa: ASYNC110  # until the model was asked
            await anyio.sleep(0.001)
        assert (await client.chat(headers=headers["one"])).status == 429
        assert (await client.get("/v1/models", headers=headers["all"])).status == 200
        tasks.cancel_scope.cancel()


async def test_log_and_metrics_name_the_tenant_and_never_the_key(tenants, caplog):
    caplog.set_level(logging.INFO)
    client, headers = tenants({"search": {"labels": {"team": "web"}, "metrics": True}}, configs=("a",))
    await client.chat(headers=headers["search"])
    text = (await client.get("/metrics", headers=headers["search"])).body.decode()
    assert "key=search team=web" in caplog.text
    assert 'handrail_key_requests_total{key="search",status="200"} 1' in text
    key = headers["search"]["authorization"].removeprefix("Bearer ")
    assert key not in caplog.text + text


async def test_numbers_of_all_tenants_are_for_keys_that_say_so(tenants, monkeypatch):
    monkeypatch.setenv("HANDRAIL_KEYS", "operators")
    client, headers = tenants({"shop": {}, "monitor": {"metrics": True}}, api_key_env="HANDRAIL_KEYS")
    refused = await client.get("/metrics", headers=headers["shop"])
    assert (refused.status, refused.json["error"]["code"]) == (403, "metrics_not_allowed")
    assert b"shop" not in refused.body
    for may in (headers["monitor"], {"authorization": "Bearer operators"}):
        found = (await client.get("/metrics", headers=may)).body.decode()
        assert 'handrail_key_requests_total{key="shop",status="403"} 1' in found


async def test_key_for_the_numbers_alone_can_ask_no_model(tenants):
    entries = {"monitor": {"metrics": True, "configurations": []}}
    client, headers = tenants(entries, configs=("a",), policy={"models": ["other"]})
    monitor = headers["monitor"]
    assert (await client.get("/metrics", headers=monitor)).status == 200
    refused = [await client.chat(headers=monitor, **named) for named in ({}, {"model": "a"}, {"model": "other"})]
    assert [answer.status for answer in refused] == [400, 404, 404]
    checks = {"messages": [{"role": "user", "content": "x"}]}
    for path in ("/v1/checks", "/v1/checks/portkey", "/v1/embeddings"):
        assert (await client.post(path, {**checks, "input": "x"}, headers=monitor)).status in (400, 404)


async def test_threads_belong_to_the_tenant_and_outlive_a_change_of_its_key(tenants, tmp_path):
    provider = FakeProvider(["answer"])
    client, headers = tenants({"one": {}, "two": {}}, configs=("a",), provider=provider)
    thread = {"thread_id": "a-thread-of-at-least-16"}
    for label in ("one", "two"):
        await client.chat(headers=headers[label], **thread)
        assert len(provider.messages[-1]) == 1
    key, hashed = new_key()
    entries = yaml.safe_load((tmp_path / "keys.yml").read_text(encoding="utf-8"))
    entries["keys"][0]["hashes"] = [hashed]
    (tmp_path / "keys.yml").write_text(yaml.safe_dump(entries), encoding="utf-8")
    client.app._keys.replace(read_keys(tmp_path / "keys.yml", ["a"]))
    assert (await client.chat(headers=headers["one"], **thread)).status == 401
    await client.chat(headers={"authorization": f"Bearer {key}"}, **thread)
    assert len(provider.messages[-1]) == 3


def test_what_is_used_up_stays_used_up_when_the_file_is_read_again(tmp_path):
    key, hashed = new_key()
    file = tmp_path / "keys.yml"
    entry = {"label": "one", "hashes": [hashed], "limits": {"requests_per_minute": 1}}
    file.write_text(yaml.safe_dump({"keys": [entry]}), encoding="utf-8")
    keys = Keys((), read_keys(file, []))
    bearer = f"Bearer {key}".encode()
    keys.tenant(bearer).requests.take(1)
    keys.replace(read_keys(file, []))
    assert keys.tenant(bearer).requests.wait() > 0
    keys.replace(())
    assert keys.tenant(bearer) is None  # and not a server that asks nobody for a key


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("keys: []", "keys"),
        ("- a", "keys"),
        ("keys: [", "keys.yml:1:"),
        ("keys: [{label: a, hashes: [hr-secret]}]", "handrail server-key"),
        ("keys: [{label: a, hashes: ['sha256:abc']}]", "64 hexadecimal"),
        ("keys: [{label: 'a b', hashes: ['{hash}']}]", "keys.0.label"),
        ("keys: [{label: a, hashes: ['{hash}'], limit: {}}]", "keys.0.limit"),
        ("keys: [{label: a, hashes: ['{hash}'], limits: {requests_per_minute: 0}}]", "requests_per_minute"),
        ("keys: [{label: a, hashes: ['{hash}']}, {label: a, hashes: ['{other}']}]", "another entry"),
        ("keys: [{label: a, hashes: ['{hash}']}, {label: b, hashes: ['{hash}']}]", "one tenant"),
        (
            "keys: [{label: a, hashes: ['{hash}'], configurations: [c]}]",
            "keys.yml:1:104: keys.0.configurations: unknown configuration 'c'; known: a, b",
        ),
    ],
)
def test_wrong_file_is_an_error_that_shows_no_value(tmp_path, text, says):
    file = tmp_path / "keys.yml"
    hashed = "sha256:" + "a" * 64
    file.write_text(text.replace("{hash}", hashed).replace("{other}", "sha256:" + "b" * 64), encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        read_keys(file, ["a", "b"])
    assert says in str(raised.value)
    assert "hr-secret" not in str(raised.value)
    assert hashed not in str(raised.value)


def test_entry_that_is_wrong_is_the_only_problem(tmp_path):
    (file := tmp_path / "keys.yml").write_text("keys: [{label: a, hashes: [x]}]", encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        read_keys(file, [])
    assert [problem.partition(": ")[2] for problem in raised.value.problems] == [
        "keys.0.hashes: a hash is 'sha256:' and 64 hexadecimal digits; 'handrail server-key' makes one"
    ]


def test_missing_file_is_an_error(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_keys(tmp_path / "nope.yml", [])


def test_command_makes_a_key_and_an_entry_that_fit_together(tmp_path):
    command = [sys.executable, "-m", "handrail_cli.app", "server-key"]
    made = subprocess.run([*command, "search"], capture_output=True, text=True, timeout=300, check=True).stdout
    key, _, entry = made.partition("\n\n")
    file = tmp_path / "keys.yml"
    file.write_text(entry, encoding="utf-8")
    keys = Keys((), read_keys(file, []))
    assert keys.tenant(f"Bearer {key}".encode()).label == "search"
    assert key not in entry
    wrong = subprocess.run([*command, "a b"], capture_output=True, text=True, timeout=300, check=False)
    assert (wrong.returncode, wrong.stdout) == (2, "")


def test_keys_are_long_and_never_the_same():
    made = {new_key()[0] for _ in range(50)}
    assert len(made) == 50
    assert all(len(key) >= 43 for key in made)
    assert "label: a" in entry_of("a", "sha256:" + "0" * 64)


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(0, 200)), max_size=60), st.integers(1, 100))
def test_allowance_holds_in_the_mean_whatever_is_asked_for(asked, per_minute):
    """What was taken is at most a minute's worth, what time has filled, and the last thing that was let in."""
    now = 0.0
    allowance = Allowance(per_minute, clock=lambda: now)
    taken = last = 0.0
    for seconds, amount in asked:
        now += seconds
        if allowance.wait() == 0:
            allowance.take(amount)
            taken, last = taken + amount, amount
    assert taken <= per_minute + now * per_minute / 60 + last + 1e-6


@given(st.integers(1, 1000), st.floats(0, 5000))
def test_allowance_says_when_it_can_be_taken_from_again(per_minute, amount):
    now = 0.0
    allowance = Allowance(per_minute, clock=lambda: now)
    allowance.take(amount)
    now += allowance.wait()
    assert allowance.wait() == 0


@pytest.mark.parametrize("stream", [False, True])
async def test_rails_know_the_tenant_by_its_label_and_never_by_what_it_sends(tenants, fake, stream):
    rails = {"in": FunctionRail(), "out": FunctionRail()}
    client, headers = tenants({"one": {}}, configs=("a",), config=fake(input_=["in"], output=["out"]), rails=rails)
    more = {"headers": headers["one"], "config_id": "a", "stream": stream, "thread_id": "mine-of-at-least-16"}
    assert (await client.chat(**more)).status == 200
    checks = {"messages": [{"role": "user", "content": "x"}], "config_id": "a"}
    assert (await client.post("/v1/checks", checks, headers=headers["one"])).status == 200
    turns = [*rails["in"].turns, *rails["out"].turns]
    assert {turn.caller for turn in turns} == {"one"}
    before, checked, after = turns  # the check runs the rails of the input alone
    assert before.conversation_id == after.conversation_id not in (None, "mine-of-at-least-16")
    assert checked.conversation_id is None


async def test_nobody_goes_on_from_the_answer_of_another_tenant(tenants):
    client, headers = tenants({"one": {}, "other": {}})
    first = await client.post("/v1/responses", {"model": "a", "input": "One"}, headers=headers["one"])
    more = {"model": "a", "input": "Two", "previous_response_id": first.json["id"]}
    told = await client.post("/v1/responses", more, headers=headers["other"])
    assert (told.status, told.error["code"]) == (400, "previous_response_not_found")
    assert (await client.post("/v1/responses", more, headers=headers["one"])).status == 200


async def test_every_dialect_is_for_a_tenants_own_configurations(tenants):
    client, headers = tenants({"one": {"configurations": ["a"]}})
    message = [{"role": "user", "content": "Hi"}]
    for path, body in {
        "/v1/responses": {"input": "Hi"},
        "/v1/messages": {"max_tokens": 5, "messages": message},
        "/v1/messages/count_tokens": {"messages": message},
    }.items():
        for named in ({"model": "b"}, {"guardrails": {"config_id": "b"}}, {"guardrails": {"config_ids": ["a", "b"]}}):
            told = await client.post(path, {**body, **named}, headers=headers["one"])
            assert told.status in (403, 404), (path, named)
        assert (await client.post(path, {**body, "model": "a"}, headers=headers["one"])).status == 200
    told = await client.post("/v1/checks/dify", {"point": "ping"}, headers=headers["one"], query="config_id=b")
    assert told.status == 404
