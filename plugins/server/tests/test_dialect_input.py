"""What clients send in Responses and Messages reaches rails and models as the same conversation in Chat Completions."""

from __future__ import annotations

import pytest
from dialects import read
from fakes import FakeProvider, FunctionRail
from handrail import Chunk, ToolCallDelta, Verdict

SECRET = "swordfish"  # noqa: S105  # what the rail of these tests looks for
USER = {"role": "user", "content": "Hello!"}
TOOL = {"name": "get_weather", "description": "d", "parameters": {"type": "object"}, "strict": True}
CALL = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Lisbon"}'}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "sunny"}
PDF = "data:application/pdf;base64,JVBERi0="
PNG = "data:image/png;base64,AAAA"
IMAGE = {"type": "image_url", "image_url": {"url": PNG}}
THOUGHT = {"reasoning_content": "Hm."}


def item(kind, **fields):
    return {"type": kind, **fields}


FUNCTION_CALL = item("function_call", call_id="c1", name="get_weather", arguments='{"city": "Lisbon"}', id="fc_1")
RESPONSES = {
    "a text": ("Hello!", [USER]),
    "a message": ([item("message", role="user", content="Hello!")], [USER]),
    "one part": ([{"role": "user", "content": [item("input_text", text="Hello!")]}], [USER]),
    "parts": (
        [{"role": "user", "content": [item("input_text", text="a"), item("input_image", image_url=PNG, detail="low")]}],
        [
            {
                "role": "user",
                "content": [item("text", text="a"), item("image_url", image_url={"url": PNG, "detail": "low"})],
            }
        ],
    ),
    "a file": (
        [{"role": "user", "content": [item("input_file", file_data=PDF, filename="x.pdf")]}],
        [
            {
                "role": "user",
                "content": [
                    item("text", text="\nx.pdf\n"),
                    item("file", file={"file_data": PDF, "filename": "file.pdf"}),
                ],
            }
        ],
    ),
    "what was answered": (
        [
            USER,
            item(
                "message",
                id="m",
                status="completed",
                role="assistant",
                content=[item("output_text", text="Hi", annotations=[])],
            ),
            USER,
        ],
        [USER, {"role": "assistant", "content": "Hi"}, USER],
    ),
    "a refusal": (
        [USER, {"role": "assistant", "content": [item("refusal", refusal="No.")]}, USER],
        [USER, {"role": "assistant", "content": None, "refusal": "No."}, USER],
    ),
    "a call and its result": (
        [USER, FUNCTION_CALL, item("function_call_output", call_id="c1", output="sunny")],
        [USER, CALLED, RESULT],
    ),
    "a result in parts": (
        [USER, FUNCTION_CALL, item("function_call_output", call_id="c1", output=[item("input_text", text="sunny")])],
        [USER, CALLED, RESULT],
    ),
    "a custom call": (
        [
            USER,
            item("custom_tool_call", call_id="c1", name="run", input="x"),
            item("custom_tool_call_output", call_id="c1", output="y"),
        ],
        [
            USER,
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c1", "type": "custom", "custom": {"name": "run", "input": "x"}}],
            },
            {**RESULT, "content": "y"},
        ],
    ),
    "reasoning before a call": (
        [
            USER,
            item("reasoning", id="r", summary=[item("summary_text", text="Hm.")]),
            FUNCTION_CALL,
            item("function_call_output", call_id="c1", output="sunny"),
        ],
        [USER, {**CALLED, **THOUGHT}, RESULT],
    ),
    "reasoning before words and a call": (
        [
            USER,
            item("reasoning", summary=[item("summary_text", text="Hm.")]),
            {"role": "assistant", "content": "Wait."},
            FUNCTION_CALL,
            item("function_call_output", call_id="c1", output="sunny"),
        ],
        [USER, {**CALLED, **THOUGHT, "content": "Wait."}, RESULT],
    ),
    "reasoning that nothing follows": (
        [USER, item("reasoning", summary=[], encrypted_content="x"), USER],
        [USER, USER],
    ),
}


@pytest.mark.parametrize(("given", "wanted"), RESPONSES.values(), ids=RESPONSES)
async def test_input_of_responses(serve, fake, given, wanted):
    provider = FakeProvider(["Fine."])
    told = await serve({"a": fake()}, provider=provider).post("/v1/responses", {"model": "a", "input": given})
    assert told.status == 200, told.json
    assert list(provider.messages[-1]) == wanted


def block(kind, **fields):
    return {"type": kind, **fields}


TOOL_USE = block("tool_use", id="c1", name="get_weather", input={"city": "Lisbon"})
SOURCE = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
MESSAGES = {
    "a text": ([USER], [USER]),
    "one block": (
        [{"role": "user", "content": [block("text", text="Hello!", cache_control={"type": "ephemeral"})]}],
        [USER],
    ),
    "an image": (
        [{"role": "user", "content": [block("text", text="a"), block("image", source=SOURCE)]}],
        [{"role": "user", "content": [block("text", text="a"), IMAGE]}],
    ),
    "a document of text": (
        [
            {
                "role": "user",
                "content": [
                    block("document", title="T", source={"type": "text", "media_type": "text/plain", "data": "d"})
                ],
            }
        ],
        [{"role": "user", "content": "\nT\nd\n"}],
    ),
    "a document": (
        [
            {
                "role": "user",
                "content": [block("document", source={**SOURCE, "media_type": "application/pdf", "data": "JVBERi0="})],
            }
        ],
        [{"role": "user", "content": [block("file", file={"file_data": PDF})]}],
    ),
    "a call and its result": (
        [
            USER,
            {"role": "assistant", "content": [TOOL_USE]},
            {"role": "user", "content": [block("tool_result", tool_use_id="c1", content="sunny", is_error=False)]},
        ],
        [USER, CALLED, RESULT],
    ),
    "a result and words": (
        [
            USER,
            {"role": "assistant", "content": [block("text", text="Wait."), TOOL_USE]},
            {
                "role": "user",
                "content": [
                    block("tool_result", tool_use_id="c1", content=[block("text", text="sunny")], is_error=True),
                    block("text", text="Hello!"),
                ],
            },
        ],
        [USER, {**CALLED, "content": "Wait."}, RESULT, USER],
    ),
    "thinking": (
        [
            USER,
            {"role": "assistant", "content": [block("thinking", thinking="Hm.", signature=""), TOOL_USE]},
            {"role": "user", "content": [block("tool_result", tool_use_id="c1", content="sunny")]},
        ],
        [USER, {**CALLED, **THOUGHT}, RESULT],
    ),
}


@pytest.mark.parametrize(("given", "wanted"), MESSAGES.values(), ids=MESSAGES)
async def test_input_of_messages(serve, fake, given, wanted):
    provider = FakeProvider(["Fine."])
    told = await serve({"a": fake()}, provider=provider).post("/v1/messages", {"model": "a", "messages": given})
    assert told.status == 200, told.json
    assert list(provider.messages[-1]) == wanted


FUNCTION = {"type": "function", "function": TOOL}
FORM = {"name": "answer", "schema": {"type": "object"}}
PARAMETERS = {
    "responses": (
        {
            "max_output_tokens": 9,
            "temperature": 0.5,
            "top_p": 0.9,
            "parallel_tool_calls": False,
            "user": "u",
            "tools": [{"type": "function", **TOOL}],
            "tool_choice": {"type": "function", "name": "get_weather"},
            "text": {"format": {"type": "json_schema", **FORM}, "verbosity": "low"},
            "reasoning": {"effort": "low", "summary": "auto"},
            "store": False,
            "metadata": {"a": "b"},
            "service_tier": "auto",
            "include": ["reasoning.encrypted_content"],
        },
        {
            "max_tokens": 9,
            "temperature": 0.5,
            "top_p": 0.9,
            "parallel_tool_calls": False,
            "user": "u",
            "tools": [FUNCTION],
            "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
            "response_format": {"type": "json_schema", "json_schema": FORM},
            "verbosity": "low",
            "reasoning_effort": "low",
        },
    ),
    "messages": (
        {
            "max_tokens": 9,
            "temperature": 0.5,
            "top_p": 0.9,
            "top_k": 3,
            "stop_sequences": ["x"],
            "tools": [
                {
                    "name": "get_weather",
                    "description": "d",
                    "input_schema": TOOL["parameters"],
                    "strict": True,
                    "cache_control": {"type": "ephemeral"},
                }
            ],
            "tool_choice": {"type": "tool", "name": "get_weather", "disable_parallel_tool_use": True},
            "thinking": {"type": "enabled", "budget_tokens": 4096},
            "output_config": {"format": {"type": "json_schema", "schema": FORM["schema"]}},
            "metadata": {"user_id": "u"},
            "service_tier": "auto",
            "context_management": {"edits": []},
        },
        {
            "max_tokens": 9,
            "temperature": 0.5,
            "top_p": 0.9,
            "top_k": 3,
            "stop": ["x"],
            "tools": [FUNCTION],
            "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
            "parallel_tool_calls": False,
            "reasoning_effort": "medium",
            "response_format": {"type": "json_schema", "json_schema": FORM},
        },
    ),
}


def asked(dialect, **more):
    return {"model": "a", **({"input": "Hello!"} if dialect == "responses" else {"messages": [USER]}), **more}


@pytest.mark.parametrize("dialect", PARAMETERS)
async def test_parameters(serve, fake, dialect):
    given, wanted = PARAMETERS[dialect]
    provider = FakeProvider(["{}"])
    told = await serve({"a": fake()}, provider=provider).post(f"/v1/{dialect}", asked(dialect, **given))
    assert told.status == 200, told.json
    assert {name: value for name, value in provider.params[-1].items() if value is not None} == wanted


GROUP = {"type": "namespace", "name": "mcp__mail__", "description": "d", "tools": [{"type": "function", **TOOL}]}


@pytest.mark.parametrize("stream", [True, False])
async def test_a_function_of_a_namespace_is_called_in_its_namespace(serve, fake, stream):
    """Codex groups its own tools for agents, and those of each MCP server."""
    name = "mcp__mail__get_weather"
    provider = FakeProvider([Chunk(tool_calls=(ToolCallDelta(0, "c", name, "{}"),), finish_reason="tool_calls")])
    choice = {"type": "function", "namespace": "mcp__mail__", "name": "get_weather"}
    before = item("function_call", namespace="mcp__mail__", name="get_weather", arguments="{}", call_id="b")
    history = [USER, before, item("function_call_output", call_id="b", output="sunny")]
    sent = asked("responses", tools=[GROUP], tool_choice=choice, stream=stream) | {"input": history}
    told = await serve({"a": fake()}, provider=provider).post("/v1/responses", sent)
    assert read("responses", told, stream=stream).calls == [("c", "get_weather", "{}")]
    assert '"namespace":"mcp__mail__"' in told.body.decode()
    assert provider.params[-1]["tools"] == [{"type": "function", "function": {**TOOL, "name": name}}]
    assert provider.params[-1]["tool_choice"] == {"type": "function", "function": {"name": name}}
    assert provider.messages[-1][1]["tool_calls"][0]["function"]["name"] == name


@pytest.mark.parametrize("stream", [True, False])
async def test_tools_of_a_models_own_server_are_left_out_and_the_client_is_told(serve, fake, stream):
    provider = FakeProvider(["Hi."])
    tools = [item("web_search"), item("function", **TOOL), item("mcp", server_url="x"), item("web_search")]
    told = await serve({"a": fake()}, provider=provider).post(
        "/v1/responses", asked("responses", tools=tools, stream=stream)
    )
    assert provider.params[-1]["tools"] == [FUNCTION]
    assert read("responses", told, stream=stream).guardrails["tools_left_out"] == ["web_search", "mcp"]


async def test_a_request_for_a_thread_is_refused_so_that_anthropics_sdk_sends_the_conversation(serve, fake):
    told = await serve({"a": fake()}).post("/v1/messages", asked("messages", max_tokens=9, thread={"type": "create"}))
    assert told.status == 400
    assert told.error["details"] == {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}


REFUSED = {
    "a choice of a tool of the server": (
        "responses",
        {"tools": [item("function", name="f"), item("web_search")], "tool_choice": item("web_search")},
        "tool_choice.type",
    ),
    "two tools of one name": (
        "responses",
        {"tools": [GROUP, {"type": "function", **TOOL, "name": "mcp__mail__get_weather"}]},
        "tools",
    ),
    "a namespace without a name": ("responses", {"tools": [item("namespace", tools=[])]}, "tools[0].name"),
    "a namespace in a namespace": ("responses", {"tools": [{**GROUP, "tools": [GROUP]}]}, "tools[0].tools[0].type"),
    "a tool of no known type": ("responses", {"tools": [item("time_machine")]}, "tools[0].type"),
    "background": ("responses", {"background": True}, "background"),
    "a conversation": ("responses", {"conversation": "c"}, "conversation"),
    "a stored prompt": ("responses", {"prompt": {"id": "p"}}, "prompt"),
    "truncation": ("responses", {"truncation": "auto"}, "truncation"),
    "log probabilities": ("responses", {"include": ["message.output_text.logprobs"]}, "include"),
    "top_logprobs": ("responses", {"top_logprobs": 2}, "top_logprobs"),
    "a tool of the server": ("responses", {"tools": [item("web_search")]}, "tools[0].type"),
    "a field of a tool": ("responses", {"tools": [item("function", name="f", extra="x")]}, "tools[0].extra"),
    "an unknown choice": (
        "responses",
        {"tools": [item("function", name="f")], "tool_choice": item("mcp")},
        "tool_choice.type",
    ),
    "an unknown item": ("responses", {"input": [item("computer_call")]}, "input[0].type"),
    "no item": ("responses", {"input": []}, "input"),
    "a reference": ("responses", {"input": [item("item_reference", id="x")]}, "input[0].type"),
    "an unknown part": (
        "responses",
        {"input": [{"role": "user", "content": [item("input_video")]}]},
        "input[0].content[0].type",
    ),
    "an unknown field": ("responses", {"input": [{"role": "user", "content": "a", "name": "n"}]}, "input[0].name"),
    "a field of a part": (
        "responses",
        {"input": [{"role": "user", "content": [item("input_text", text="a", note="n")]}]},
        "input[0].content[0].note",
    ),
    "a call that is no text": ("responses", {"input": [{**FUNCTION_CALL, "arguments": {}}]}, "input[0].arguments"),
    "a file's address": (
        "responses",
        {"input": [{"role": "user", "content": [item("input_file", file_url="http://x")]}]},
        "input[0].content[0].file_url",
    ),
    "a form": ("responses", {"text": {"format": {"type": "grammar"}}}, "text.format.type"),
    "a trace": ("responses", {"guardrails": {"trace": True}}, "guardrails.trace"),
    "a thread": ("responses", {"guardrails": {"thread_id": "x" * 16}}, "guardrails.thread_id"),
    "an unknown parameter": ("responses", {"zz": 1}, "zz"),
    "a foreign answer": ("responses", {"previous_response_id": "resp_x"}, "previous_response_id"),
    "servers of tools": ("messages", {"mcp_servers": [{"url": "x"}]}, "mcp_servers"),
    "a container": ("messages", {"container": "c"}, "container"),
    "a tool of Anthropic's server": (
        "messages",
        {"tools": [{"type": "web_search_20250305", "name": "w"}]},
        "tools[0].type",
    ),
    "a search result": (
        "messages",
        {"messages": [{"role": "user", "content": [block("search_result")]}]},
        "messages[0].content[0].type",
    ),
    "a field of a block": (
        "messages",
        {"messages": [{"role": "user", "content": [block("text", text="a", note="n")]}]},
        "messages[0].content[0].note",
    ),
    "a text as a file": (
        "messages",
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        block("document", source={"type": "base64", "media_type": "text/plain", "data": "aGk="})
                    ],
                }
            ]
        },
        "messages[0].content[0].source.media_type",
    ),
    "words for a picture": (
        "messages",
        {
            "messages": [
                {
                    "role": "user",
                    "content": [block("image", source={"type": "base64", "media_type": "say it", "data": "A"})],
                }
            ]
        },
        "messages[0].content[0].source.media_type",
    ),
    "words for an address": (
        "responses",
        {"input": [{"role": "user", "content": [item("input_image", image_url="do as I say")]}]},
        "messages[0].content[0].image_url.url",
    ),
    "a letter for a name": (
        "responses",
        {"input": [{"role": "user", "content": [item("input_file", file_data="A", filename="do as I say\n")]}]},
        "messages[0].content[0].file.filename",
    ),
    "a document by its address": (
        "messages",
        {"messages": [{"role": "user", "content": [block("document", source={"type": "url", "url": "u"})]}]},
        "messages[0].content[0].source.type",
    ),
    "a block of a result": (
        "messages",
        {
            "messages": [
                {"role": "user", "content": [block("tool_result", tool_use_id="c", content=[block("tool_reference")])]}
            ]
        },
        "messages[0].content[0].content[0].type",
    ),
    "no block": ("messages", {"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
    "a field of a message": ("messages", {"messages": [{**USER, "name": "n"}]}, "messages[0].name"),
    "an image as instruction": ("messages", {"system": [block("image", source=SOURCE)]}, "system[0].type"),
    "a first word of the answer": (
        "messages",
        {"messages": [USER, {"role": "assistant", "content": "So"}]},
        "messages",
    ),
    "an unknown form": ("messages", {"output_config": {"format": {"type": "xml"}}}, "output_config.format"),
    "a trace of a message": ("messages", {"guardrails": {"trace": True}}, "guardrails.trace"),
}


@pytest.mark.parametrize(("dialect", "more", "param"), REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_translated_is_refused_by_name(serve, fake, dialect, more, param):
    provider = FakeProvider(["Fine."])
    client = serve({"a": fake()}, provider=provider, playground=True)
    told = await client.post(f"/v1/{dialect}", asked(dialect, **more))
    assert (told.status, told.error["param"], provider.opened) == (400, param, 0)


HIDDEN = {
    "an item": (
        "responses",
        {"input": [{"role": "user", "content": [item("input_text", text="sword"), item("input_text", text="fish")]}]},
    ),
    "a result": (
        "responses",
        {"input": [USER, FUNCTION_CALL, item("function_call_output", call_id="c1", output=SECRET)]},
    ),
    "a custom result": (
        "responses",
        {
            "input": [
                USER,
                item("custom_tool_call", call_id="c1", name="r", input="x"),
                item("custom_tool_call_output", call_id="c1", output=SECRET),
            ]
        },
    ),
    "an earlier item": (
        "responses",
        {"input": [{"role": "user", "content": SECRET}, {"role": "assistant", "content": "Hi"}, USER]},
    ),
    "blocks": (
        "messages",
        {"messages": [{"role": "user", "content": [block("text", text="sword"), block("text", text="fish")]}]},
    ),
    "a result of a tool": (
        "messages",
        {
            "messages": [
                USER,
                {"role": "assistant", "content": [TOOL_USE]},
                {
                    "role": "user",
                    "content": [block("tool_result", tool_use_id="c1", content=[block("text", text=SECRET)])],
                },
            ]
        },
    ),
    "a result beside words": (
        "messages",
        {
            "messages": [
                USER,
                {"role": "assistant", "content": [TOOL_USE]},
                {
                    "role": "user",
                    "content": [block("tool_result", tool_use_id="c1", content=SECRET), block("text", text="a")],
                },
            ]
        },
    ),
    "a document": (
        "messages",
        {
            "messages": [
                {
                    "role": "user",
                    "content": [block("document", source={"type": "text", "media_type": "text/plain", "data": SECRET})],
                }
            ]
        },
    ),
    "a title": (
        "messages",
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        block(
                            "document", title=SECRET, source={"type": "text", "media_type": "text/plain", "data": "d"}
                        )
                    ],
                }
            ]
        },
    ),
}


@pytest.mark.parametrize(("dialect", "more"), HIDDEN.values(), ids=HIDDEN)
async def test_rails_judge_every_text_of_a_stranger(serve, fake, dialect, more):
    provider = FakeProvider(["hi"])
    rail = FunctionRail(lambda window: Verdict.block("x") if SECRET in window.text else Verdict.allow())
    client = serve({"a": fake(input_=["words"])}, provider=provider, rails={"words": rail})
    told = await client.post(f"/v1/{dialect}", asked(dialect, **more))
    assert told.status == 200, told.json
    assert "sword" not in str(provider.messages)  # refused, or taken out of the history


async def test_a_large_body_is_read_like_a_small_one(serve, fake):
    provider = FakeProvider(["Fine."])
    client = serve({"a": fake()}, provider=provider)
    long = "word " * 20_000
    told = await client.post(
        "/v1/responses", {"model": "a", "input": [{"role": "user", "content": long}, item("x", a=1)]}
    )
    assert told.error["param"] == "input[1].type"
    told = await client.post("/v1/responses", {"model": "a", "input": [{"role": "user", "content": long}]})
    assert (told.status, provider.messages[-1][0]["content"]) == (200, long)
    told = await client.post(
        "/v1/messages", {"model": "a", "messages": [{"role": "user", "content": long}, {"role": "x"}]}
    )
    assert (told.status, told.error["param"]) == (400, "messages[1].role")
    told = await client.post("/v1/messages", {"model": "a", "messages": [{"role": "user", "content": long}]})
    assert (told.status, provider.messages[-1][0]["content"]) == (200, long)


async def test_too_many_items_are_refused_before_they_are_read(serve, fake):
    client = serve({"a": fake()}, limits={"messages": 3})
    for size in (1, 20_000):
        told = await client.post(
            "/v1/responses", {"model": "a", "input": [{"role": "user", "content": "w " * size}] * 4}
        )
        assert (told.status, told.error["code"]) == (400, "too_many_messages")


async def test_a_conversation_goes_on_from_an_answer(serve, fake):
    provider = FakeProvider(["Fine."])
    client = serve({"a": fake()}, provider=provider)
    first = await client.post("/v1/responses", {"model": "a", "input": "One", "instructions": "Be kind."})
    assert [m["content"] for m in provider.messages[-1]] == ["Be kind.", "One"]
    more = {"model": "a", "input": "Two", "instructions": "Be brief.", "previous_response_id": first.json["id"]}
    second = await client.post("/v1/responses", more)
    assert [m["content"] for m in provider.messages[-1]] == ["Be brief.", "One", "Fine.", "Two"]
    assert second.json["previous_response_id"] == first.json["id"]
    await client.post("/v1/responses", {"model": "a", "input": "Else", "previous_response_id": first.json["id"]})
    assert [m["content"] for m in provider.messages[-1]] == ["One", "Fine.", "Else"]


async def test_an_answer_that_was_not_to_be_kept_is_not(serve, fake):
    client = serve({"a": fake(), "b": fake()}, provider=FakeProvider(["Fine."]))
    first = await client.post("/v1/responses", {"model": "a", "input": "One", "store": False})
    again = {"model": "a", "input": "Two", "previous_response_id": first.json["id"]}
    assert (await client.post("/v1/responses", again)).error["code"] == "previous_response_not_found"
    kept = await client.post("/v1/responses", {"model": "a", "input": "One"})
    other = {"model": "b", "input": "Two", "previous_response_id": kept.json["id"]}
    assert (await client.post("/v1/responses", other)).error["code"] == "previous_response_not_found"


async def test_signatures_of_thinking_come_back_beside_the_call_that_they_led_to(serve, fake):
    call = Chunk(tool_calls=(ToolCallDelta(0, "c1", "get_weather", '{"city": "Lisbon"}'),))
    blocks = [{"type": "thinking", "signature": "S", "length": 3}]
    unguarded = {"message": {"thinking_blocks": blocks}, "next_turn": {"reasoning_content": "Hm."}}
    chunks = [
        Chunk(reasoning="Hm."),
        call,
        Chunk(finish_reason="tool_calls", metadata={"wire": {"unguarded": unguarded}}),
    ]
    provider = FakeProvider(chunks)
    client = serve({"a": fake()}, provider=provider)
    told = await client.post("/v1/messages", {"model": "a", "messages": [USER]})
    assert [part["type"] for part in told.json["content"]] == ["thinking", "tool_use"]
    assert told.json["content"][0]["signature"] == "S"
    assert told.json["guardrails"] == {"config_id": "a"}
    result = {"role": "user", "content": [block("tool_result", tool_use_id="c1", content="sunny")]}
    said = {"role": "assistant", "content": [part for part in told.json["content"] if part["type"] == "tool_use"]}
    await client.post("/v1/messages", {"model": "a", "messages": [USER, said, result]})
    assert provider.messages[-1][1]["thinking_blocks"] == blocks
    assert provider.messages[-1][1]["reasoning_content"] == "Hm."


async def test_tokens_of_a_message_are_counted_without_a_model(serve, fake):
    provider = FakeProvider(["hi"])
    client = serve({"a": fake()}, provider=provider)
    few = await client.post("/v1/messages/count_tokens", {"model": "a", "messages": [USER]})
    tools = [{"name": "f", "description": "word " * 100, "input_schema": {}}]
    many = await client.post("/v1/messages/count_tokens", {"model": "a", "messages": [USER], "tools": tools})
    assert 0 < few.json["input_tokens"] < 20
    assert many.json["input_tokens"] - few.json["input_tokens"] > 90
    assert provider.opened == 0
    wrong = await client.post("/v1/messages/count_tokens", {"model": "nope", "messages": [USER]})
    assert (wrong.status, wrong.json["type"], wrong.error["type"]) == (404, "error", "not_found_error")
