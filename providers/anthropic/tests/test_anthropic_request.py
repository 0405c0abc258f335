"""What a conversation and parameters in OpenAI's form become in a request to the Messages API."""

from __future__ import annotations

import copy
import json

import pytest
from handrail.errors import ProviderBadRequestError
from handrail_anthropic._messages import conversation
from handrail_anthropic._thinking import thinking_of
from handrail_anthropic.testing._server import _refused_messages
from handrail_http import BadParameterError
from hypothesis import given
from hypothesis import strategies as st

USER = {"role": "user", "content": "Hello"}
PNG = "data:image/png;base64,iVBORw0KGgo="
EPHEMERAL = {"type": "ephemeral"}


def call(name="find", arguments='{"q": 1}', id_="c1"):
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}


def test_instructions_at_the_beginning_are_the_system_prompt():
    messages = [{"role": "system", "content": "Be brief."}, {"role": "developer", "content": "In Welsh."}, USER]
    system, turns = conversation(messages)
    assert system == [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "In Welsh."}]
    assert turns == [USER]


def test_later_instructions_keep_their_place():
    _, turns = conversation([USER, {"role": "system", "content": "Be brief."}, USER])
    assert [turn["role"] for turn in turns] == ["user", "system", "user"]


def test_cache_control_stays_on_the_part_that_has_it():
    system, turns = conversation(
        [
            {"role": "system", "content": [{"type": "text", "text": "a", "cache_control": EPHEMERAL}]},
            {"role": "user", "content": "b", "cache_control": EPHEMERAL},
        ]
    )
    assert system == [{"type": "text", "text": "a", "cache_control": EPHEMERAL}]
    assert turns == [{"role": "user", "content": [{"type": "text", "text": "b", "cache_control": EPHEMERAL}]}]


def test_parts_keep_their_order_and_images_and_files_are_translated():
    parts = [
        {"type": "text", "text": "Look:"},
        {"type": "image_url", "image_url": {"url": PNG, "detail": "high"}, "cache_control": EPHEMERAL},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
        {"type": "image", "source": {"type": "file", "file_id": "f"}},
        {"type": "text", "text": ""},
    ]
    _, [turn] = conversation([{"role": "user", "content": parts}])
    png = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
    assert turn["content"] == [
        {"type": "text", "text": "Look:"},
        {"type": "image", "source": png, "cache_control": EPHEMERAL},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        {"type": "document", "source": pdf, "title": "a.pdf"},
        {"type": "image", "source": {"type": "file", "file_id": "f"}},
    ]


def test_results_of_tools_are_together_and_first_in_the_next_turn():
    messages = [
        USER,
        {"role": "assistant", "content": None, "tool_calls": [call(), call("now", "", "c2")]},
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "image_url", "image_url": {"url": PNG}}]},
        {"role": "user", "content": "Go on."},
    ]
    _, [_, assistant, results] = conversation(messages)
    assert assistant["content"] == [
        {"type": "tool_use", "id": "c1", "name": "find", "input": {"q": 1}},
        {"type": "tool_use", "id": "c2", "name": "now", "input": {}},
    ]
    assert [block["type"] for block in results["content"]] == ["tool_result", "tool_result", "text"]
    assert results["content"][0] == {"type": "tool_result", "tool_use_id": "c1", "content": "one"}
    assert results["content"][1]["content"][0]["type"] == "image"


def test_a_refusal_of_an_assistant_is_its_text_and_an_empty_message_is_none():
    _, turns = conversation([USER, {"role": "assistant", "content": None, "refusal": "I can't."}, USER])
    assert turns[1] == {"role": "assistant", "content": "I can't."}
    _, turns = conversation([USER, {"role": "assistant", "content": ""}])
    assert turns == [USER]


@pytest.mark.parametrize(
    ("messages", "problem"),
    [
        ([], "there is no message of a user"),
        ([{"role": "system", "content": "x"}], "there is no message of a user"),
        ([{"role": "user", "content": ""}], "message 1 has no content"),
        ([{"role": "function", "name": "f", "content": "x"}], "message 1: the role 'function' is not supported"),
        ([{"content": "x"}], "message 1: the role None is not supported"),
        ([{"role": "user", "content": 5}], "message 1: the content is a int"),
        ([{"role": "user", "content": [{"type": "input_audio"}]}], "part 1: 'input_audio' cannot be sent"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "part 1: the image has no 'url'"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": "data:image/png,x"}]}], "not base64"),
        ([{"role": "user", "content": [{"type": "file", "file": {}}]}], "part 1: the file has no"),
        ([USER, {"role": "tool", "content": "x"}], "message 2 is a tool's result without 'tool_call_id'"),
        (
            [USER, {"role": "assistant", "tool_calls": [call(arguments="{")]}],
            "tool call 1: the arguments are not valid",
        ),
        ([USER, {"role": "assistant", "tool_calls": [call(arguments="[1]")]}], "the arguments are not a JSON object"),
        ([USER, {"role": "assistant", "tool_calls": [call(arguments="[" * 30_000)]}], "nested too deeply"),
        ([USER, {"role": "assistant", "tool_calls": [{"id": "c", "custom": {"name": "f"}}]}], "is of a custom tool"),
        ([USER, {"role": "assistant", "tool_calls": [{"id": "c"}]}], "tool call 1 has no function with a name"),
    ],
)
def test_what_cannot_be_translated_is_named(messages, problem):
    with pytest.raises(BadParameterError, match=problem):
        conversation(messages)


async def test_what_cannot_be_translated_is_a_bad_request_that_is_not_sent(messages_server, make_provider, ask):
    with pytest.raises(ProviderBadRequestError, match="part 1: 'input_audio' cannot be sent to the Messages API"):
        await ask(make_provider(messages_server.origin), [{"role": "user", "content": [{"type": "input_audio"}]}])
    with pytest.raises(ProviderBadRequestError, match="the request cannot be sent: UnicodeEncodeError"):
        await ask(make_provider(messages_server.origin), [{"role": "user", "content": "half \ud83d"}])
    assert messages_server.requests == []


TURNS = st.one_of(
    st.builds(lambda text: [{"role": "user", "content": text}], st.text("ab \n", min_size=1)),
    st.builds(lambda text: [{"role": "assistant", "content": text}], st.text("ab", max_size=3)),
    st.builds(lambda text: [{"role": "system", "content": text}], st.text("ab", max_size=3)),
    st.builds(
        lambda count, text: [
            {"role": "assistant", "content": text or None, "tool_calls": [call(id_=f"c{n}") for n in range(count)]},
            *({"role": "tool", "tool_call_id": f"c{n}", "content": text} for n in reversed(range(count))),
        ],
        st.integers(1, 3),
        st.text("ab", max_size=2),
    ),
)


@given(st.lists(TURNS, max_size=6).map(lambda turns: [message for turn in turns for message in turn]))
def test_any_conversation_becomes_one_that_the_api_takes_and_no_text_is_lost(messages):
    before = copy.deepcopy(messages)
    system, turns = conversation([USER, *messages])
    assert messages == before
    assert _refused_messages({"messages": turns}) is None
    assert all(one["role"] != other["role"] for one, other in zip(turns, turns[1:], strict=False))
    sent = json.dumps([system, turns])
    assert all(json.dumps(message["content"])[1:-1] in sent for message in messages if message["content"])


# Thinking


def test_thinking_is_put_together_from_reasoning_and_signatures():
    blocks = [
        {"type": "thinking", "signature": "s1", "length": 3},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "thinking", "signature": "s2", "length": 2},
    ]
    message = {"role": "assistant", "reasoning_content": "abcde", "thinking_blocks": blocks}
    assert thinking_of(message) == [
        {"type": "thinking", "thinking": "abc", "signature": "s1"},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "thinking", "thinking": "de", "signature": "s2"},
    ]


def test_thinking_that_a_rail_has_changed_is_left_out_and_the_encrypted_kept():
    blocks = [{"type": "thinking", "signature": "s", "length": 30}, {"type": "redacted_thinking", "data": "d"}]
    message = {"role": "assistant", "reasoning_content": "[REDACTED]", "thinking_blocks": blocks}
    assert thinking_of(message) == [{"type": "redacted_thinking", "data": "d"}]
    assert thinking_of({"role": "assistant", "thinking_blocks": blocks[:1]}) == []


def test_thinking_that_was_not_shown_goes_back_by_its_signature_alone():
    message = {
        "role": "assistant",
        "content": "x",
        "thinking_blocks": [{"type": "thinking", "signature": "s", "length": 0}],
    }
    assert thinking_of(message) == [{"type": "thinking", "thinking": "", "signature": "s"}]


def test_whole_blocks_of_thinking_are_sent_as_they_are():
    block = {"type": "thinking", "thinking": "hm", "signature": "s"}
    assert thinking_of({"role": "assistant", "thinking_blocks": [block]}) == [block]
    _, turns = conversation([USER, {"role": "assistant", "content": [block, {"type": "text", "text": "x"}]}])
    assert turns[1]["content"] == [block, {"type": "text", "text": "x"}]


@pytest.mark.parametrize("given_", [None, "x", [1], [{"type": "thinking", "length": 0}], [{"type": "thinking"}]])
def test_thinking_without_a_signature_is_none(given_):
    assert thinking_of({"role": "assistant", "thinking_blocks": given_}) == []


# Parameters

FUNCTION = {"type": "function", "function": {"name": "find", "description": "Finds.", "parameters": {"type": "object"}}}
SEARCH = {"type": "web_search_20260209", "name": "web_search", "max_uses": 2}
TOOL = {"name": "find", "description": "Finds.", "input_schema": {"type": "object"}}


@pytest.fixture
def sent(messages_server, make_provider, ask):
    """Ask, and return the body of the request."""

    async def sent(messages=(USER,), *, settings=None, **params):
        await ask(make_provider(messages_server.origin, **(settings or {})), messages, **params)
        return messages_server.bodies[-1]

    return sent


async def test_a_request_has_the_model_the_turns_and_a_limit(sent):
    assert await sent() == {"model": "test-model", "max_tokens": 8192, "messages": [USER], "stream": True}
    assert (await sent(settings={"max_tokens": 100}))["max_tokens"] == 100
    assert (await sent(settings={"max_tokens": 100}, max_tokens=7))["max_tokens"] == 7
    assert (await sent(max_completion_tokens=9))["max_tokens"] == 9
    assert (await sent(model="other"))["model"] == "other"


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"stop": "END"}, {"stop_sequences": ["END"]}),
        ({"stop": ["a", "b"]}, {"stop_sequences": ["a", "b"]}),
        ({"user": "u1"}, {"metadata": {"user_id": "u1"}}),
        ({"temperature": 0.3, "top_p": 1, "top_k": 5}, {"temperature": 0.3, "top_p": 1, "top_k": 5}),
        ({"thinking": {"type": "adaptive"}}, {"thinking": {"type": "adaptive"}}),
        ({"reasoning_effort": "high"}, {"output_config": {"effort": "high"}}),
        ({"reasoning_effort": "minimal"}, {"output_config": {"effort": "low"}}),
        ({"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
        ({"cache_control": EPHEMERAL}, {"cache_control": EPHEMERAL}),
        ({"tools": [FUNCTION]}, {"tools": [TOOL]}),
        ({"tools": [{**FUNCTION, "cache_control": EPHEMERAL}]}, {"tools": [{**TOOL, "cache_control": EPHEMERAL}]}),
        ({"tools": [SEARCH]}, {"tools": [SEARCH]}),
        ({"tools": [{"type": "function", **FUNCTION["function"]}]}, {"tools": [TOOL]}),
        ({"modalities": ["text"]}, {}),
        ({"tools": [TOOL], "tool_choice": "auto"}, {"tools": [TOOL], "tool_choice": {"type": "auto"}}),
        ({"tools": [TOOL], "tool_choice": "required"}, {"tools": [TOOL], "tool_choice": {"type": "any"}}),
        ({"tools": [TOOL], "tool_choice": "none"}, {"tools": [TOOL], "tool_choice": {"type": "none"}}),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "find"}}},
            {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "find"}},
        ),
        (
            {"tools": [TOOL], "parallel_tool_calls": False},
            {"tools": [TOOL], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        ),
        ({"tools": [], "tool_choice": "auto"}, {}),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}},
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
        ),
        ({"response_format": {"type": "text"}}, {}),
        ({"presence_penalty": 0, "logit_bias": {}, "logprobs": False, "seed": None, "n": 1}, {}),
        ({"stream_options": {"include_usage": True}}, {}),
        ({"temperature": None}, {}),
        ({"system": "Be brief."}, {"system": [{"type": "text", "text": "Be brief."}]}),
    ],
)  # fmt: skip
async def test_parameters_are_sent_by_the_apis_names(sent, params, expected):
    body = await sent(**params)
    for name in ("model", "max_tokens", "messages", "stream"):
        del body[name]
    assert body == expected


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"n": 2}, "'n' must be 1"),
        ({"stream": False}, "'stream' cannot be false"),
        ({"seed": 7}, "'seed' is not supported by the Messages API; leave it out, or in 'drop_params'"),
        ({"seed": 0}, "'seed' is not supported"),
        ({"presence_penalty": 0.5}, "'presence_penalty' is not supported"),
        ({"logprobs": True}, "'logprobs' is not supported"),
        ({"response_format": {"type": "json_object"}}, "'response_format' must be 'text' or a 'json_schema'"),
        ({"tools": "find"}, "'tools' is a str"),
        ({"tools": [{"type": "function"}]}, "tool 1 has no function with a name"),
        ({"tools": [TOOL], "tool_choice": "sometimes"}, "'tool_choice' must be"),
        ({"tools": [TOOL], "tool_choice": {"type": "allowed_tools"}}, "'tool_choice' must be"),
        ({"tools": [{"type": "custom", "custom": {"name": "shell"}}]}, "tool 1 is a custom tool"),
        ({"functions": [{"name": "f"}]}, "'functions' is not supported"),
    ],
)
async def test_a_parameter_without_a_counterpart_is_named(sent, params, problem):
    with pytest.raises(ProviderBadRequestError, match=problem) as caught:
        await sent(**params)
    assert caught.value.param == (None if problem.startswith("tool ") else problem.split("'")[1])


async def test_parameters_can_be_dropped(sent):
    assert "seed" not in await sent(settings={"drop_params": ["seed"]}, seed=7)
    assert "temperature" not in await sent(settings={"temperature": 1, "drop_params": ["temperature"]})
