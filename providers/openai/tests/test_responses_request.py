"""What is written for Chat Completions, as the Responses API takes it; the server refuses what OpenAI refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from handrail import ToolCall
from handrail.errors import ProviderBadRequestError
from handrail_openai.testing import ModelResponse

USER = {"role": "user", "content": "Hello"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Ústí"}'}}
CUSTOM = {"id": "call_2", "type": "custom", "custom": {"name": "shell", "input": "ls"}}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "12 degrees"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


@pytest.fixture
def provider(responses_server, make_provider):
    return make_provider(responses_server.base_url, api="responses")


@pytest.fixture
def weather():
    return ToolCall("call_1", "weather", '{"city": "Brno"}')


@pytest.fixture
def sent(responses_server, provider, ask):
    """Ask, and return the body that the server has received."""

    async def body(*messages, **params):
        await ask(provider, messages or (USER,), **params)
        return responses_server.bodies[-1]

    return body


async def test_nothing_is_stored_unless_it_is_asked_for(sent):
    assert (await sent())["store"] is False
    assert (await sent(store=True))["store"] is True


async def test_texts_of_every_role_are_messages(sent):
    said = {"role": "assistant", "content": "Hi."}
    body = await sent(
        {"role": "system", "content": "Be brief."}, {"role": "developer", "content": "Now."}, USER, said, USER
    )
    assert body["input"] == [
        {"type": "message", "role": "system", "content": "Be brief."},
        {"type": "message", "role": "developer", "content": "Now."},
        {"type": "message", "role": "user", "content": "Hello"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi."}]},
        {"type": "message", "role": "user", "content": "Hello"},
    ]


async def test_parts_are_translated_in_their_order_and_own_forms_are_left(sent):
    parts = [
        {"type": "text", "text": "Look:", "cache_control": {"type": "ephemeral"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://e.org/a.png"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
        {"type": "input_image", "file_id": "file-1", "detail": "high"},
    ]
    body = await sent({"role": "user", "content": parts})
    assert body["input"][0]["content"] == [
        {"type": "input_text", "text": "Look:"},
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"},
        {"type": "input_image", "image_url": "https://e.org/a.png", "detail": "auto"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"},
        {"type": "input_image", "file_id": "file-1", "detail": "high"},
    ]


async def test_calls_and_their_results_are_items_of_their_kinds(sent):
    said = {"role": "assistant", "content": None, "tool_calls": [CALL, CUSTOM]}
    image = [{"type": "image_url", "image_url": {"url": "https://e.org/a.png"}}]
    body = await sent(USER, said, RESULT, {"role": "tool", "tool_call_id": "call_2", "content": image})
    assert body["input"][1:] == [
        {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": '{"city": "Ústí"}'},
        {"type": "custom_tool_call", "call_id": "call_2", "name": "shell", "input": "ls"},
        {"type": "function_call_output", "call_id": "call_1", "output": "12 degrees"},
        {
            "type": "custom_tool_call_output",
            "call_id": "call_2",
            "output": [{"type": "input_image", "image_url": "https://e.org/a.png", "detail": "auto"}],
        },
    ]


async def test_a_refusal_goes_back_as_a_refusal(sent):
    body = await sent(USER, {"role": "assistant", "content": None, "refusal": "No."}, USER)
    assert body["input"][1]["content"] == [{"type": "refusal", "refusal": "No."}]


async def test_an_answer_without_anything_is_no_item(sent):
    assert len((await sent(USER, {"role": "assistant", "content": ""}, USER))["input"]) == 2


async def test_parameters_have_the_names_of_the_api(sent):
    body = await sent(
        max_tokens=100,
        reasoning_effort="low",
        verbosity="high",
        response_format={"type": "json_schema", "json_schema": {"name": "City", "schema": SCHEMA, "strict": True}},
        logprobs=True,
        top_logprobs=2,
        user="u",
        parallel_tool_calls=False,
        temperature=0.5,
        stream_options={"include_usage": True},
    )
    assert body["max_output_tokens"] == 100
    assert body["reasoning"] == {"effort": "low"}
    form = {"type": "json_schema", "name": "City", "schema": SCHEMA, "strict": True}
    assert body["text"] == {"verbosity": "high", "format": form}
    assert body["include"] == ["message.output_text.logprobs"]
    assert (body["top_logprobs"], body["user"], body["parallel_tool_calls"], body["temperature"]) == (
        2,
        "u",
        False,
        0.5,
    )
    assert not {"max_tokens", "reasoning_effort", "verbosity", "response_format", "stream_options"} & body.keys()


async def test_the_apis_own_parameters_are_left_as_they_are(sent):
    own = {"reasoning": {"effort": "high", "summary": "auto"}, "text": {"verbosity": "low"}, "include": ["x"]}
    body = await sent(**own, max_output_tokens=64, previous_response_id="resp_1", truncation="auto", logprobs=True)
    assert (body["reasoning"], body["text"]) == (own["reasoning"], own["text"])
    assert body["include"] == ["x", "message.output_text.logprobs"]
    assert (body["max_output_tokens"], body["previous_response_id"], body["truncation"]) == (64, "resp_1", "auto")


async def test_tools_are_flat_and_as_strict_as_chat_completions_takes_them(sent):
    function = {"type": "function", "function": {"name": "weather", "description": "d", "parameters": SCHEMA}}
    bare = {"type": "function", "function": {"name": "now", "strict": True}}
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: A"}}
    custom = {"type": "custom", "custom": {"name": "shell", "format": grammar}}
    own = {"type": "function", "name": "own", "parameters": {}}
    search = {"type": "web_search"}
    body = await sent(tools=[function, bare, custom, own, search])
    empty = {"type": "object", "properties": {}}
    assert body["tools"] == [
        {"type": "function", "strict": False, "parameters": SCHEMA, "name": "weather", "description": "d"},
        {"type": "function", "strict": True, "parameters": empty, "name": "now"},
        {"type": "custom", "name": "shell", "format": {"type": "grammar", "syntax": "lark", "definition": "start: A"}},
        own,
        search,
    ]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("required", "required"),
        ({"type": "function", "function": {"name": "a"}}, {"type": "function", "name": "a"}),
        ({"type": "custom", "custom": {"name": "a"}}, {"type": "custom", "name": "a"}),
        ({"type": "function", "name": "a"}, {"type": "function", "name": "a"}),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "a"}}]},
            },
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "a"}]},
        ),
    ],
)
async def test_the_choice_among_tools_is_flat(sent, choice, expected):
    tool = {"type": "function", "function": {"name": "a"}}
    assert (await sent(tools=[tool], tool_choice=choice))["tool_choice"] == expected


async def test_parameters_that_change_nothing_are_left_out(sent):
    body = await sent(
        presence_penalty=0, frequency_penalty=0.0, stop=[], logit_bias={}, modalities=["text"], n=1, seed=None
    )
    idle = {"presence_penalty", "frequency_penalty", "stop", "logit_bias", "modalities", "n", "seed"}
    assert not idle & body.keys()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("stop", ["END"]), ("seed", 0), ("presence_penalty", 0.5), ("logit_bias", {"50256": -100})),
        *(("audio", {"voice": "a"}), ("modalities", ["text", "audio"]), ("functions", [{"name": "f"}])),
        *(("background", True), ("n", 2), ("stream", False)),
    ],
)
async def test_what_has_no_counterpart_is_refused_by_name(responses_server, provider, ask, name, value):
    with pytest.raises(ProviderBadRequestError, match=f"'{name}'") as caught:
        await ask(provider, **{name: value})
    assert caught.value.param == name
    assert not responses_server.requests


async def test_a_dropped_parameter_is_not_refused(responses_server, make_provider, ask):
    await ask(make_provider(responses_server.base_url, api="responses", drop_params=["stop"]), stop=["END"])
    assert "stop" not in responses_server.bodies[0]


@pytest.mark.parametrize("kind", ["computer_use_preview", "local_shell", "shell", "apply_patch"])
async def test_tools_whose_calls_no_rail_could_read_are_refused(provider, ask, kind):
    with pytest.raises(ProviderBadRequestError, match=f"tool 1: '{kind}'"):
        await ask(provider, tools=[{"type": kind}])


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (
            {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "SECRET"}}]},
            "part 1: 'input_audio'",
        ),
        ({"role": "user", "content": [{"type": "image_url", "image_url": {}}]}, "the image has no 'url'"),
        ({"role": "user", "content": {"text": "SECRET"}}, "the content is a dict"),
        ({"role": "function", "name": "f", "content": "SECRET"}, "the role 'function'"),
        ({"role": "tool", "content": "SECRET"}, "without 'tool_call_id'"),
        ({"role": "assistant", "content": None, "function_call": {"name": "f"}}, "'function_call'"),
        (
            {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "function": {"arguments": "SECRET"}}]},
            "no name",
        ),
        ({"role": "assistant", "content": [{"type": "image_url"}]}, "takes text and refusals here"),
    ],
)
async def test_a_message_that_cannot_be_sent_is_named_and_not_quoted(responses_server, provider, ask, message, says):
    with pytest.raises(ProviderBadRequestError, match=f"message 2.*{says}") as caught:
        await ask(provider, (USER, message))
    assert "SECRET" not in str(caught.value)
    assert not responses_server.requests


# Reasoning in the next turn


THINKING = ModelResponse(text="I look.", summaries=("First.", "Second."), encrypted="gAAAAAB==", calls=())


def as_message(chunks, **changes):
    """Put an answer together as a client does that sends back all it got."""
    beside = {}
    calls = {}
    for chunk in chunks:
        beside |= ((chunk.metadata or {}).get("wire", {}).get("unguarded") or {}).get("message", {})
        for delta in chunk.tool_calls:
            opened = {"id": delta.id, "type": "function", "function": {"name": delta.name, "arguments": ""}}
            call = calls.setdefault(delta.index, opened)
            call["function"]["arguments"] += delta.arguments
    said = {
        "role": "assistant",
        "content": "".join(chunk.text for chunk in chunks) or None,
        "reasoning_content": "".join(chunk.reasoning for chunk in chunks),
        **beside,
        **({"tool_calls": list(calls.values())} if calls else {}),
    }
    return {**said, **changes}


async def test_reasoning_goes_back_as_the_item_it_was_before_what_it_led_to(responses_server, provider, ask, weather):
    responses_server.will(replace(THINKING, text="", calls=(weather,)))
    said = as_message(await ask(provider))
    await ask(provider, (USER, said, {**RESULT, "tool_call_id": weather.id}))
    item, call, _result = responses_server.bodies[-1]["input"][1:]
    assert item == sealed("First.", "Second.")
    assert call["call_id"] == weather.id


def sealed(*summaries):
    parts = [{"type": "summary_text", "text": text} for text in summaries]
    return {"type": "reasoning", "id": "rs_1", "summary": parts, "encrypted_content": "gAAAAAB=="}


async def test_reasoning_that_a_rail_has_changed_goes_back_sealed_and_without_its_text(
    responses_server, provider, ask, weather
):
    responses_server.will(replace(THINKING, text="", summaries=("My mail is ada@e.org",), calls=(weather,)))
    said = as_message(await ask(provider), reasoning_content="My mail is [EMAIL]")
    await ask(provider, (USER, said, {**RESULT, "tool_call_id": weather.id}))
    assert responses_server.bodies[-1]["input"][1] == sealed()


async def test_reasoning_of_open_models_goes_back_as_content_and_not_at_all_once_it_was_changed(
    responses_server, provider, ask, weather
):
    responses_server.reply = ModelResponse(text="", thoughts=("Hm.", "Ah."), calls=(weather,))
    said = as_message(await ask(provider))
    result = {**RESULT, "tool_call_id": weather.id}
    await ask(provider, (USER, said, result))
    texts = [part["text"] for part in responses_server.bodies[-1]["input"][1]["content"]]
    assert texts == ["Hm.", "Ah."]
    await ask(provider, (USER, {**said, "reasoning_content": "Hm. [x]"}, result))
    assert [item["type"] for item in responses_server.bodies[-1]["input"]][1] == "function_call"


async def test_reasoning_whose_text_or_call_is_gone_is_left_out(responses_server, provider, ask):
    responses_server.will(THINKING)
    said = as_message(await ask(provider), content=None)
    await ask(provider, (USER, said, USER))
    assert [item["type"] for item in responses_server.bodies[-1]["input"]] == ["message", "message"]


async def test_the_metadata_repeats_no_reasoning_where_there_is_no_call(responses_server, provider, ask):
    responses_server.will(THINKING)
    chunks = await ask(provider)
    told = str([chunk.metadata for chunk in chunks])
    assert "First" not in told
    assert "gAAAAAB==" in told
