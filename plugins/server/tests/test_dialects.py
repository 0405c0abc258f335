"""The same answers in every dialect, streamed and whole: what is said, what is refused, what fails."""

from __future__ import annotations

import pytest
from dialects import PATHS, Sent, body, read
from fakes import FakeProvider, FunctionRail, SessionRail
from handrail import (
    Blocked,
    Chunk,
    ConfigurationError,
    Edit,
    GenerationResponse,
    ReasoningDelta,
    Ruling,
    ToolCall,
    ToolCallDelta,
    Usage,
    Verdict,
)
from handrail.errors import ProviderServerError
from handrail_server import ServerSettings, create_app
from handrail_server._dialects import ChatCompletions, Ended, Heading, Messages, Refusal, Responses
from handrail_server._policy import Wanted
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from virtual import OnAVirtualClock

SORRY = "I'm sorry, I can't respond to that."
SECRET = "swordfish"  # noqa: S105  # what the rail of these tests looks for

pytestmark = pytest.mark.parametrize("dialect", PATHS)
either = pytest.mark.parametrize("stream", [True, False])


def judge(window):
    if SECRET in window.text:
        return Verdict.block("says it")
    at = window.text.find("mask-me")
    return Verdict.allow() if at < 0 else Verdict.rewrite([Edit(*window.span(at, at + 7), "[MASKED]")])


@pytest.fixture
def ask(serve, fake, dialect):
    """Ask in a dialect, behind a rail or none; give the answer as its client reads it."""

    async def asked(chunks, *, stream, guarded=True, error=None, streaming=None, settings=None, **more):
        rails = {"words": FunctionRail(judge)}
        provider = FakeProvider(chunks, delay=0.001, error=error)
        config = fake(output=["words"] if guarded else [], **(streaming or {}))
        client = serve({"a": config}, rails=rails, provider=provider, **(settings or {}))
        told = await client.post(PATHS[dialect], body(dialect, stream=stream, **more))
        assert SECRET not in told.body.decode()
        return read(dialect, told, stream=stream) if told.status == 200 else told

    return asked


END = {"chat": "stop", "responses": "stop", "messages": "end_turn"}
BLOCKED = {"chat": "content_filter", "responses": "content_filter", "messages": "refusal"}
CUT = {"chat": "length", "responses": "max_output_tokens", "messages": "max_tokens"}


@either
async def test_a_clean_answer(ask, dialect, stream):
    found = await ask(["Hello", " there."], stream=stream)
    assert (found.text, found.refusal, found.end, found.error) == ("Hello there.", "", END[dialect], None)
    assert found.guardrails == {"config_id": "a"}


@either
async def test_an_answer_that_was_cut_is_not_told_as_complete(ask, dialect, stream):
    found = await ask(["Hello", Chunk(finish_reason="length")], stream=stream)
    assert found.end == CUT[dialect]


@either
async def test_a_rewrite_is_what_is_read(ask, stream):
    assert (await ask(["Say mask-me", " now."], stream=stream)).text == "Say [MASKED] now."


@either
async def test_a_block_before_any_text_looks_like_one(ask, dialect, stream):
    found = await ask([SECRET], stream=stream)
    assert (found.text, found.refusal, found.end) == (SORRY, SORRY, BLOCKED[dialect])
    assert found.guardrails["blocked"]["rail"] == "words"


async def test_a_block_after_text_is_told_in_a_paragraph_of_its_own(ask, dialect):
    found = await ask([" good"] * 60 + [f" {SECRET}"] + [" more"] * 30, stream=True)
    said, _, refusal = found.text.partition("\n\n")
    assert said.strip(" god") == ""
    assert said.startswith(" good")
    assert (refusal, found.refusal, found.end) == (SORRY, SORRY, BLOCKED[dialect])


@either
@pytest.mark.parametrize("sign", ["text", "refusal", "guardrails"])
async def test_an_operator_chooses_how_a_block_is_told(ask, dialect, stream, sign):
    found = await ask([SECRET], stream=stream, settings={"block_as": [sign]})
    assert found.end == BLOCKED[dialect]
    assert found.text == (SORRY if sign == "text" else "")
    assert found.refusal == (SORRY if sign == "refusal" else "")
    assert bool(found.guardrails) == (sign == "guardrails")


@either
async def test_a_block_may_be_an_error_that_a_retry_cannot_help(ask, stream):
    told = await ask([SECRET], stream=stream, settings={"block_as": ["error"]})
    assert (told.status, told.headers["x-should-retry"]) == (400, "false")
    assert told.error["code"] == "content_blocked"


async def test_a_block_after_text_may_be_an_error_too(ask):
    found = await ask([" good"] * 60 + [f" {SECRET}"], stream=True, settings={"block_as": ["error"]})
    assert (found.error["code"], found.error["param"]) == ("content_blocked", "words")
    assert SORRY not in found.text


def test_an_error_cannot_be_combined_with_other_signs(tmp_path, dialect):  # noqa: ARG001
    with pytest.raises(ValidationError, match="cannot be combined"):
        ServerSettings(config=tmp_path, block_as=["error", "text"])


async def test_text_to_be_withdrawn_ends_with_an_error(serve, fake, dialect):
    rails = {"words": FunctionRail(judge, latency=0.05)}
    provider = FakeProvider([" good"] * 60 + [f" {SECRET}"] + [" more"] * 30, delay=0.001)
    client = serve({"a": fake(output=["words"], stream_first=True)}, rails=rails, provider=provider)
    told = await client.post(PATHS[dialect], body(dialect, stream=True))
    assert read(dialect, told, stream=True).error["code"] == "content_retracted"
    assert b'"retraction":{"channel":"text","start":' in told.body


@pytest.mark.parametrize("block_as", [["text", "refusal", "guardrails"], ["error"]])
async def test_text_to_be_withdrawn_is_never_repeated(serve, fake, dialect, block_as):
    """In Responses, each event that closes an item, and the last one, would have it once more."""
    rails = {"words": FunctionRail(judge, latency=0.05)}
    provider = FakeProvider([" good"] * 60 + [f" {SECRET}"] + [" more"] * 30, delay=0.001)
    config = fake(output=["words"], stream_first=True)
    client = serve({"a": config}, rails=rails, provider=provider, block_as=block_as)
    told = await client.post(PATHS[dialect], body(dialect, stream=True))
    assert told.body.count(SECRET.encode()) == 1
    assert read(dialect, told, stream=True).error["code"] == "content_retracted"


async def test_text_that_a_slower_rail_has_not_judged_yet_is_withdrawn_with_the_rest(serve, fake, dialect):
    """One error, once, from the first character on that is not cleared by all; and nothing of it comes again."""

    def refuse(window):
        return Verdict.block("worse") if "worse" in window.text else Verdict.allow()

    rails = {"words": FunctionRail(refuse), "slow": FunctionRail(judge, latency=0.3)}
    texts = [" good"] * 60 + [f" {SECRET}"] + [" good"] * 60 + [" worse"] + [" more"] * 30
    config = fake(output=["words", "slow"], stream_first=True)
    config["rails"]["output"]["parallel"] = True
    config["rails"]["config"] = {"slow": {"max_concurrency": 1}}
    client = serve({"a": config}, rails=rails, provider=FakeProvider(texts, delay=0.001))
    told = await client.post(PATHS[dialect], body(dialect, stream=True))
    found = read(dialect, told, stream=True)
    assert (found.error["code"], found.error["param"]) == ("content_retracted", "words")
    assert found.guardrails["retraction"]["start"] <= len(" good") * 60
    assert told.body.count(SECRET.encode()) == told.body.count(b"worse") == 1


async def test_nothing_of_a_tool_call_that_is_refused_is_given(serve, fake, dialect):
    """LangChain would complete its JSON, and run the call with what there was."""
    pieces = [ToolCallDelta(0, "call_1", "mail"), *(ToolCallDelta(0, arguments=said) for said in ('{"to": "a', SECRET))]
    provider = FakeProvider(["Done.", *(Chunk(tool_calls=(piece,)) for piece in pieces)])
    rail = SessionRail(lambda text: Ruling("", Verdict.block("no")) if SECRET in text else Ruling(text))
    client = serve({"a": fake(output=["words"])}, rails={"words": rail}, provider=provider)
    told = await client.post(PATHS[dialect], body(dialect, stream=True))
    assert b"mail" not in told.body
    assert read(dialect, told, stream=True).end == BLOCKED[dialect]


class TestOnAVirtualClock(OnAVirtualClock):
    """Which of two rails is the slower must not be up to the machine."""

    async def test_text_is_what_is_withdrawn_where_a_tool_call_is_refused(self, serve, fake, dialect):
        call = Chunk(tool_calls=(ToolCallDelta(0, "call_1", "mail", f'{{"to": "{SECRET}"}}'),))
        rails = {"words": FunctionRail(judge), "slow": FunctionRail(judge, latency=9)}
        config = fake(output=["words", "slow"], stream_first=True)
        config["rails"]["output"]["parallel"] = True
        config["rails"]["config"] = {"words": {"channels": ["tool_calls"]}, "slow": {"channels": ["text"]}}
        client = serve({"a": config}, rails=rails, provider=FakeProvider(["Done.", call]))
        told = await client.post(PATHS[dialect], body(dialect, stream=True))
        found = read(dialect, told, stream=True)
        assert found.error["code"] == "content_retracted"
        assert found.guardrails["retraction"] == {"channel": "text", "start": 0, "end": 5}

    async def test_a_rail_that_fails_after_its_text_was_delivered_has_it_withdrawn(self, serve, fake, dialect):
        def fail(window):
            if SECRET in window.text:
                raise RuntimeError(SECRET)
            return Verdict.allow()

        provider = FakeProvider([" good"] * 60 + [f" {SECRET}"] + [" more"] * 30, delay=0.001)
        config = fake(output=["words"], stream_first=True)
        client = serve({"a": config}, rails={"words": FunctionRail(fail, latency=0.05)}, provider=provider)
        told = await client.post(PATHS[dialect], body(dialect, stream=True))
        assert told.body.count(SECRET.encode()) == 1
        assert read(dialect, told, stream=True).error["code"] == "content_retracted"


async def test_configurations_that_withdraw_text_are_refused_where_nobody_would_be_told(serve, fake, dialect, caplog):
    rails = {"words": FunctionRail(judge)}
    configs = {"a": fake(output=["words"], stream_first=True), "b": fake()}
    client = serve(configs, rails=rails, retractions=False)
    told = await client.post(PATHS[dialect], body(dialect))
    assert (told.status, told.headers["x-should-retry"]) == (424, "false")
    assert "'retractions' is false" in caplog.text


async def test_such_a_default_configuration_keeps_the_server_from_starting(root, write, config, dialect):  # noqa: ARG001
    prompts = [{"task": "self_check_output", "content": "{{ bot_response }}"}]
    early = {"stream_first": True}
    write(root, "a", config(output=["self check output"], streaming_=early, prompts=prompts))
    with pytest.raises(ConfigurationError, match="'retractions' is false"):
        create_app(ServerSettings(config=root, retractions=False))


CALL = (ToolCallDelta(0, "call_1", "get_weather", '{"city"'), ToolCallDelta(0, arguments=': "Lisbon"}'))
OTHER = (ToolCallDelta(1, "call_2", "get_time", ""), ToolCallDelta(1, arguments="{}"))


@either
async def test_tool_calls(ask, stream):
    chunks = [
        "Let me see.",
        *(Chunk(tool_calls=(piece,)) for piece in (*CALL, *OTHER)),
        Chunk(finish_reason="tool_calls"),
    ]
    found = await ask(chunks, stream=stream)
    assert found.text == "Let me see."
    assert found.calls == [("call_1", "get_weather", '{"city": "Lisbon"}'), ("call_2", "get_time", "{}")]


@either
async def test_calls_after_which_a_model_only_stopped_are_told_so_that_a_client_runs_them(ask, dialect, stream):
    """Ollama and Gemini say `stop`, and OpenAI of a tool that was forced; Anthropic's clients look for `tool_use`."""
    found = await ask([*(Chunk(tool_calls=(piece,)) for piece in CALL), Chunk(finish_reason="stop")], stream=stream)
    assert found.calls == [("call_1", "get_weather", '{"city": "Lisbon"}')]
    assert found.end == {**END, "messages": "tool_use"}[dialect]


@either
async def test_a_call_within_which_an_answer_was_cut_is_told_as_far_as_it_came(ask, dialect, stream):
    cut = ToolCallDelta(1, "call_2", "get_weather", '{"city": "Lisbon", "day": "Mo')
    chunks = [*(Chunk(tool_calls=(piece,)) for piece in (*CALL, cut)), Chunk(finish_reason="length")]
    found = await ask(chunks, stream=stream)
    assert found.end == CUT[dialect]
    assert found.error is None
    came = '{"city": "Lisbon"}' if dialect == "messages" else cut.arguments
    assert found.calls == [("call_1", "get_weather", '{"city": "Lisbon"}'), ("call_2", "get_weather", came)]


@either
@pytest.mark.parametrize("none", ["", " ", "null", "{}"])
async def test_a_call_without_arguments_is_one_in_every_form(ask, dialect, stream, none):
    call = ToolCallDelta(0, "call_1", "now", none)
    found = await ask([Chunk(tool_calls=(call,)), Chunk(finish_reason="tool_calls")], stream=stream)
    assert found.error is None
    assert [name for _, name, _ in found.calls] == ["now"]
    if dialect == "messages":
        assert found.calls == [("call_1", "now", "{}")]


async def test_fragments_of_calls_that_come_by_turns(ask):
    pieces = (CALL[0], OTHER[0], CALL[1], OTHER[1])
    chunks = [*(Chunk(tool_calls=(piece,)) for piece in pieces), Chunk(finish_reason="tool_calls")]
    found = await ask(chunks, stream=True, guarded=False)
    assert found.calls == [("call_1", "get_weather", '{"city": "Lisbon"}'), ("call_2", "get_time", "{}")]


@either
async def test_a_call_that_a_rail_refuses_is_not_given(ask, dialect, stream):
    call = ToolCallDelta(0, "call_1", "f", f'{{"a": "{SECRET}"}}')
    found = await ask([Chunk(tool_calls=(call,)), Chunk(finish_reason="tool_calls")], stream=stream)
    assert (found.calls, found.end) == ([], BLOCKED[dialect])


@either
@pytest.mark.parametrize("before", [0, 1])
async def test_no_call_of_an_answer_that_is_stopped_is_written(ask, dialect, stream, before):
    """Clients act on a block, or an item, once it is closed; those of Chat wait for the reason of the end."""
    long = f'{{"text": "{"good " * 100}{SECRET}"}}'
    stopped = (ToolCallDelta(before, "call_2", "write", long[:300]), ToolCallDelta(before, arguments=long[300:]))
    chunks = [*(Chunk(tool_calls=(piece,)) for piece in (*CALL[: 2 * before], *stopped)), " and words"]
    found = await ask(chunks, stream=stream)
    assert found.end == BLOCKED[dialect]
    assert found.calls == [] or (dialect == "chat" and stream)


async def test_no_call_of_an_answer_that_fails_is_written(ask, dialect):
    found = await ask([Chunk(tool_calls=CALL), " good"], stream=True, error=ProviderServerError("x"))
    assert found.error["code"] == "model_failed"
    assert found.calls == [] or dialect == "chat"


@either
@pytest.mark.parametrize("guarded", [True, False])
async def test_names_and_ids_of_calls_are_no_way_around_the_rails(serve, fake, dialect, stream, guarded):
    """A name that was offered is the client's own; any other is the model's words."""
    calls = (ToolCallDelta(0, f"call {SECRET}", SECRET, "{}"), ToolCallDelta(1, "call_1", "get_time", "{}"))
    provider = FakeProvider([Chunk(tool_calls=calls), Chunk(finish_reason="tool_calls")])
    config = fake(output=["words"] if guarded else [])
    client = serve({"a": config}, rails={"words": FunctionRail(judge)}, provider=provider)
    told = await client.post(PATHS[dialect], body(dialect, stream=stream))
    found = read(dialect, told, stream=stream)
    first = ("call_0", "withheld", "{}") if guarded else (f"call {SECRET}", SECRET, "{}")
    assert found.calls == [first, ("call_1", "get_time", "{}")]
    assert (SECRET in told.body.decode()) != guarded
    assert found.guardrails.get("withheld") == (["tool_calls.id", "tool_calls.name"] if guarded else None)


@either
async def test_a_name_that_was_offered_needs_no_judge(ask, dialect, stream):
    fields = {"name": "mask-me", "description": "d"}
    tool = {
        "chat": {"type": "function", "function": fields},
        "responses": {"type": "function", **fields},
        "messages": {**fields, "input_schema": {}},
    }[dialect]
    call = ToolCallDelta(0, "call_1", "mask-me", "{}")
    chunks = [Chunk(tool_calls=(call,)), Chunk(finish_reason="tool_calls")]
    found = await ask(chunks, stream=stream, tools=[tool])
    assert found.calls == [("call_1", "mask-me", "{}")]


@either
async def test_reasoning_that_nobody_guards_is_withheld(ask, stream):
    chunks = [Chunk(reasoning="Hm, "), Chunk(reasoning="the sea."), "Fine."]
    assert (await ask(chunks, stream=stream, guarded=False)).reasoning == "Hm, the sea."
    found = await ask(chunks, stream=stream)
    assert (found.reasoning, found.text) == ("", "Fine.")
    assert found.guardrails["withheld"] == ["reasoning_content"]


@either
async def test_what_a_dialect_has_no_place_for_is_named(ask, dialect, stream):
    unguarded = {"answer": {"search_results": ["plain"]}}
    chunks = [Chunk(metadata={"wire": {"unguarded": unguarded}}), "Fine."]
    found = await ask(chunks, stream=stream)
    assert found.guardrails.get("withheld") == (None if dialect == "chat" else ["search_results"])


@either
async def test_tokens(ask, dialect, stream):
    options = {"stream_options": {"include_usage": True}} if dialect == "chat" and stream else {}
    used = Usage(90, 40, cached_tokens=70, reasoning_tokens=30)
    found = await ask(["Fine.", Chunk(usage=used)], stream=stream, **options)
    if dialect == "responses":
        assert found.usage["input_tokens_details"]["cached_tokens"] == 70
        assert found.usage["output_tokens_details"]["reasoning_tokens"] == 30
    elif dialect == "messages":
        assert found.usage == {"input_tokens": 20, "cache_read_input_tokens": 70, "output_tokens": 40}


async def test_a_model_that_fails_in_the_middle(ask):
    found = await ask([" good"] * 60, stream=True, error=ProviderServerError("sk-secret"))
    assert found.error["code"] == "model_failed"
    assert found.end is None


@either
async def test_a_model_that_fails_at_once(ask, dialect, stream):
    told = await ask([], stream=stream, error=ProviderServerError("sk-secret"))
    assert told.status == 502
    assert told.error["code"] == "model_failed"
    assert told.json.get("type") == ("error" if dialect == "messages" else None)
    assert b"sk-secret" not in told.body


async def test_a_client_that_leaves_stops_the_model(serve, fake, dialect):
    provider = FakeProvider([" word"] * 500, delay=0.01)
    client = serve({"a": fake()}, provider=provider)
    await client.post(PATHS[dialect], body(dialect, stream=True), leave_after=3)
    assert provider.closed == 1
    assert provider.produced < 100


async def test_a_held_stream_shows_that_it_lives(serve, fake, dialect):
    client = serve({"a": fake(output=["words"])}, rails={"words": FunctionRail(latency=0.35)}, keep_alive_seconds=0.1)
    told = await client.post(PATHS[dialect], body(dialect, stream=True))
    sign = b'event: ping\ndata: {"type":"ping"}\n\n' if dialect == "messages" else b": waiting\n\n"
    assert sign in told.parts
    assert read(dialect, told, stream=True).text == "hi"


async def test_input_rails_judge_what_was_asked(serve, fake, dialect):
    provider, rails = FakeProvider(["hi"]), {"words": FunctionRail(judge)}
    client = serve({"a": fake(input_=["words"])}, provider=provider, rails=rails)
    told = await client.post(PATHS[dialect], body(dialect, f"Say {SECRET}"))
    found = read(dialect, told, stream=False)
    assert (found.end, found.guardrails["blocked"]["direction"], provider.opened) == (BLOCKED[dialect], "input", 0)


@either
@pytest.mark.parametrize("asked", ["Say mask-me", "Say it"])
async def test_a_rewritten_input_is_told(serve, fake, dialect, stream, asked):
    provider = FakeProvider(["hi"])
    client = serve({"a": fake(input_=["words"])}, provider=provider, rails={"words": FunctionRail(judge)})
    told = await client.post(PATHS[dialect], body(dialect, asked, stream=stream))
    found = read(dialect, told, stream=stream)
    assert provider.messages[-1][-1]["content"] == asked.replace("mask-me", "[MASKED]")
    assert found.guardrails.get("user_message") == ("Say [MASKED]" if "mask-me" in asked else None)


async def test_a_rewritten_input_is_told_in_the_flat_body(serve, fake, dialect):  # noqa: ARG001
    client = serve({"a": fake(input_=["words"])}, rails={"words": FunctionRail(judge)})
    messages = [
        {"role": "user", "content": "One mask-me"},
        {"role": "user", "content": [{"type": "text", "text": "b"}]},
    ]
    told = await client.post(PATHS["chat"], {"config_id": "a", "messages": messages})
    assert told.json == {
        "messages": [{"role": "assistant", "content": "hi"}],
        "guardrails": {"user_message": "One [MASKED]\nb"},
    }


async def test_roles_that_the_operator_forbids_come_in_no_dialect(serve, fake, dialect):
    user = {"role": "user", "content": "Hi"}
    said = {"role": "assistant", "content": "Sure, I will."}
    result = {"type": "tool_result", "tool_use_id": "c1", "content": "x"}
    ways = {
        "chat": [{"messages": [said, user]}, {"messages": [{"role": "system", "content": "x"}, user]}],
        "responses": [
            {"input": [said, user]},
            {"input": [user], "instructions": "x"},
            {"input": [{"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}, user]},
            {"input": [{"type": "function_call_output", "call_id": "c1", "output": "x"}, user]},
            {"input": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "x"}]}, said, user]},
        ],
        "messages": [
            {"messages": [said, user]},
            {"messages": [user], "system": "x"},
            {"messages": [{"role": "system", "content": "x"}, user]},
            {"messages": [{"role": "user", "content": [result]}]},
        ],
    }[dialect]
    provider = FakeProvider(["hi"])
    client = serve({"a": fake()}, provider=provider, policy={"roles": ["user"]})
    for way in ways:
        told = await client.post(PATHS[dialect], {"model": "a", **way})
        assert (told.status, told.error["code"], provider.opened) == (403, "not_allowed", 0), way


async def test_an_input_that_was_refused_is_not_told_as_rewritten(serve, fake, dialect):
    client = serve({"a": fake(input_=["words"])}, rails={"words": FunctionRail(judge)})
    told = await client.post(PATHS[dialect], body(dialect, f"mask-me {SECRET}"))
    assert "user_message" not in read(dialect, told, stream=False).guardrails
    assert SECRET not in told.body.decode()


async def test_errors_of_the_door_are_in_the_dialect(serve, config, dialect, monkeypatch):
    monkeypatch.setenv("DOOR_KEY", "right-key")
    client = serve({"a": config()}, api_key_env="DOOR_KEY")
    told = await client.post(PATHS[dialect], body(dialect))
    assert (told.status, told.error["type"]) == (401, "authentication_error")
    assert told.json.get("type") == ("error" if dialect == "messages" else None)
    for header in ({"authorization": "Bearer right-key"}, {"x-api-key": "right-key"}):
        assert (await client.post(PATHS[dialect], body(dialect), headers=header)).status == 200
    wrong = {"authorization": "Bearer wrong-key", "x-api-key": "right-key"}
    assert (await client.post(PATHS[dialect], body(dialect), headers=wrong)).status == 401


PIECES = st.one_of(
    st.text(min_size=1, max_size=8),
    st.text(min_size=1, max_size=8).map(ReasoningDelta),
    st.builds(ToolCallDelta, st.integers(0, 2), arguments=st.sampled_from(["{}", "", " "])),
)


@given(items=st.lists(st.lists(PIECES, max_size=4), max_size=6), refused=st.booleans())
def test_whatever_is_released_is_read_as_it_was_written(dialect, items, refused):
    """In any order, in any slices, with texts that no UTF-8 can hold."""
    spoken = next(one for one in (ChatCompletions(), Responses(), Messages()) if one.name == dialect)
    asked = spoken.body.model_validate(body(dialect))
    heading, known = Heading("x_1", 1, "a", ("a",)), {}
    released = [[_opening(item, known) for item in part] for part in items]
    writer = spoken.writer(heading, Wanted(()), asked)
    sent = writer.begin() + b"".join(map(writer.items, released))
    refusal = Refusal("no") if refused else None
    stop = Blocked("words", "output") if refused else None
    calls = tuple(ToolCall(f"call_{index}", "f", "{}") for index in known)
    response = GenerationResponse(stop=stop, tool_calls=calls)
    ended = Ended(heading, Wanted(()), response, {"finish_reason": "stop"}, refusal=refusal)
    found = read(dialect, Sent(sent + writer.finish(ended, None)), stream=True)
    texts = "".join(item for part in items for item in part if isinstance(item, str))
    assert found.text == texts + (("\n\nno" if texts else "no") if refused else "")
    assert found.reasoning == "".join(i.text for part in items for i in part if isinstance(i, ReasoningDelta))
    assert len(found.calls) == (0 if refused else len(known))


def _opening(item, known):
    """Number calls by their order, and give the first fragment of each its name, as providers do."""
    if not isinstance(item, ToolCallDelta):
        return item
    if item.index in known:
        return ToolCallDelta(known[item.index], arguments=item.arguments.strip("{}"))
    known[item.index] = len(known)
    return ToolCallDelta(known[item.index], f"call_{item.index}", "f", "{}")
