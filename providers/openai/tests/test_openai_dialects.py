"""What servers send in their own ways is read as it was meant, or is an error; nothing is lost in silence."""

from __future__ import annotations

import json

import pytest
from handrail import ToolCall, Usage
from handrail_http import ErrorEvent, NotAnEventError
from handrail_openai._answer import Answer
from handrail_openai._think import ThinkSplitter
from hypothesis import given
from hypothesis import strategies as st

HEAD = {"id": "x", "model": "m"}


def event(delta=None, finish=None, **more):
    return {**HEAD, "choices": [{"index": 0, "delta": delta or {}, "finish_reason": finish}], **more}


def data_of(value):
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def read(*events, think=None, headers=None):
    """Return the chunks of an answer and what they come to."""
    answer = Answer({}, headers or {}, think=think)
    chunks = [chunk for value in events for chunk in answer.chunks(data_of(value))]
    assert answer.finished
    return [*chunks, *answer.end()]


def text(chunks):
    return "".join(chunk.text for chunk in chunks)


def reasoning(chunks):
    return "".join(chunk.reasoning for chunk in chunks)


def deltas(chunks):
    return [delta for chunk in chunks for delta in chunk.tool_calls]


def calls(chunks):
    """Put calls together as every client does: id and name with the first fragment of an index, in order."""
    found = {}
    for delta in deltas(chunks):
        if delta.index in found:
            assert (delta.id, delta.name) == (None, None)
            found[delta.index][2] += delta.arguments
        else:
            assert delta.id
            assert delta.name
            found[delta.index] = [delta.id, delta.name, delta.arguments]
    indices = [delta.index for delta in deltas(chunks)]
    assert indices == sorted(indices)
    assert sorted(found) == list(range(len(found)))
    return [ToolCall(*found[index]) for index in sorted(found)]


def wire(chunks):
    return [chunk.metadata["wire"] for chunk in chunks if chunk.metadata and "wire" in chunk.metadata][-1]


def tool(index=0, **fragment):
    return event({"tool_calls": [{"index": index, **fragment}]})


def function(name=None, arguments=None, **more):
    inside = {"name": name, "arguments": arguments}
    return {"function": {key: value for key, value in inside.items() if value is not None}, **more}


END = event({}, "tool_calls")
ARGUMENTS = '{"command": "ls"}'
ONE_CALL = {
    "usual": [function("bash", "", id="c"), function(None, ARGUMENTS)],
    "name late": [function(None, "", id="c"), function("bash", ""), function(None, ARGUMENTS)],
    "name after the arguments": [function(None, ARGUMENTS, id="c"), function("bash")],
    "name empty first": [function("", "", id="c"), function("bash", ARGUMENTS, id="c")],
    "name in pieces": [function("ba", "", id="c"), function("s", ""), function("h", ARGUMENTS)],
    "name again": [function("bash", '{"command"', id="c"), function("bash", ': "ls"}', id="c")],
    "name again, longer": [function("ba", "", id="c"), function("bash", ARGUMENTS)],
    "name again at the end": [function("bash", ARGUMENTS, id="c"), function("bash", "", id="c")],
    "id late": [function("bash", ""), function(None, ARGUMENTS, id="c")],
    "id empty first": [function("bash", "", id=""), function(None, ARGUMENTS, id="c")],
    "another id with each piece": [
        function("bash", '{"command"', id="c"),
        function("bash", ": ", id="d"),
        function(None, '"ls"}', id="e"),
    ],
    "another id with each piece, and the name alone": [
        function("bash", "", id="c"),
        function(None, '{"command"', id="d"),
        function(None, ': "ls"}', id="e"),
    ],
    "arguments as an object": [function("bash", {"command": "ls"}, id="c")],
    "an object sent twice": [function("bash", {"command": "ls"}, id="c"), function("bash", {"command": "ls"}, id="c")],
    "arguments null first": [{"id": "c", "function": {"name": "bash", "arguments": None}}, function(None, ARGUMENTS)],
    "no function first": [{"id": "c", "type": "function"}, function("bash", ARGUMENTS)],
    "without an inner object": [{"id": "c", "name": "bash", "arguments": ARGUMENTS}],
    "Llama's name for arguments": [{"id": "c", "function": {"name": "bash", "parameters": {"command": "ls"}}}],
}


@pytest.mark.parametrize("fragments", ONE_CALL.values(), ids=ONE_CALL)
@pytest.mark.parametrize("together", [False, True])
def test_a_call_is_whole_in_whatever_fragments_it_comes(fragments, together):
    several = [event({"tool_calls": [{"index": 0, **fragment} for fragment in fragments]})]
    found = calls(read(*(several if together else [tool(**fragment) for fragment in fragments]), END))
    assert found == [ToolCall("c", "bash", ARGUMENTS)]


@pytest.mark.parametrize("index", [0, "0", 0.0, 7])
@pytest.mark.parametrize("id_", [0, 12, 1.5])
def test_numbers_come_in_any_type(index, id_):
    found = calls(read(tool(index, **function("f", "{", id=id_)), tool(index, **function(None, "}")), END))
    assert found == [ToolCall(str(id_), "f", "{}")]


ids = st.sampled_from(["own", "none", "empty"])
arguments = st.lists(
    st.dictionaries(st.text(max_size=3), st.text(max_size=4), max_size=3).map(json.dumps), min_size=1, max_size=4
)


@given(arguments, ids, st.booleans(), st.integers(0, 9), st.data())
def test_several_calls_come_in_order_and_never_mix(each, kind, numbered, first, data):
    """With ids or without, numbered or all in a row, in pieces of any size; one without arguments has none."""
    events, wanted = [], []
    for at, whole in enumerate(each):
        has_none = data.draw(st.booleans()) and (numbered or kind == "own")
        whole = "" if has_none else whole
        size = data.draw(st.integers(1, len(whole) + 1))
        index = {"index": first + at} if numbered else {}
        id_ = {"own": {"id": f"c{at}"}, "none": {}, "empty": {"id": ""}}[kind]
        events.append({**index, **id_, **function(f"f{at}", whole[:size])})
        rest = index if numbered else {**id_}
        events += [{**rest, **function(None, whole[cut : cut + size])} for cut in range(size, len(whole), size)]
        wanted.append((f"f{at}", whole or "{}"))
    found = calls(read(*(event({"tool_calls": [fragment]}) for fragment in events), END))
    assert [(call.name, call.arguments) for call in found] == wanted
    assert len({call.id for call in found}) == len(found)


def test_calls_that_are_sent_by_turns_are_handed_on_one_after_the_other():
    turns = [
        tool(0, **function("f", "", id="a")),
        tool(1, **function("g", "", id="b")),
        tool(1, **function(None, '{"x": ')),
        tool(0, **function(None, '{"y"')),
        tool(1, **function(None, "1}")),
        tool(0, **function(None, ": 2}")),
    ]
    assert calls(read(*turns, END)) == [ToolCall("a", "f", '{"y": 2}'), ToolCall("b", "g", '{"x": 1}')]


def test_arguments_are_handed_on_as_they_come_while_there_is_one_call():
    answer = Answer({}, {})
    found = [
        "".join(delta.arguments for delta in deltas(answer.chunks(data_of(value))))
        for value in (tool(**function("f", "", id="a")), tool(**function(None, "{")), tool(**function(None, "}")))
    ]
    assert found == ["", "{", "}"]


def test_text_may_come_between_the_arguments_of_a_call():
    fragment = {"index": 0, "function": {"arguments": "}"}}
    both = event({"content": "a", "reasoning_content": "b", "tool_calls": [fragment]})
    chunks = read(tool(**function("f", "{", id="c")), both, event({"tool_calls": [fragment | {"id": None}]}, ""), END)
    assert (text(chunks), reasoning(chunks), calls(chunks)) == ("a", "b", [ToolCall("c", "f", "{}}")])


def test_calls_of_a_server_that_numbers_all_alike_and_names_no_ids_are_told_apart():
    found = calls(
        read(tool(**function("f", "{}")), tool(**function("f", '{"a": 1}')), tool(**function("g", "{}")), END)
    )
    assert [(call.name, call.arguments) for call in found] == [("f", "{}"), ("f", '{"a": 1}'), ("g", "{}")]


def test_a_call_that_was_cut_before_its_arguments_does_not_get_any():
    cut = read(tool(0, **function("f", "", id="a")), tool(1, **function("g", "", id="b")), event({}, "length"))
    assert [call.arguments for call in calls(cut)] == ["{}", ""]


def test_a_call_without_a_name_is_an_error():
    with pytest.raises(NotAnEventError, match="without a name"):
        read(tool(**function(None, "{}", id="a")), END)


@pytest.mark.parametrize("fragments", [{}, "f", [1], [{"index": 0, "function": {"name": "f", "arguments": 7}}]])
def test_tool_calls_of_another_type_are_an_error(fragments):
    with pytest.raises(NotAnEventError):
        read(event({"tool_calls": fragments}) if fragments else event({"tool_calls": {"a": 1}}), END)


def test_the_old_form_of_a_call_is_a_call():
    chunks = read(
        event({"function_call": {"name": "pay", "arguments": ""}}),
        event({"function_call": {"arguments": '{"id": 1}'}}),
        event({}, "function_call"),
    )
    assert calls(chunks) == [ToolCall("call_x_0", "pay", '{"id": 1}')]
    assert wire(chunks)["tool_calls"] == {0: {"type": "function_call"}}


def test_a_custom_tool_is_called_with_its_text():
    custom = {"index": 0, "id": "c", "type": "custom", "custom": {"name": "run", "input": ""}}
    chunks = read(
        event({"tool_calls": [custom]}), event({"tool_calls": [{"index": 0, "custom": {"input": "print(1)"}}]}), END
    )
    assert calls(chunks) == [ToolCall("c", "run", "print(1)")]
    assert wire(chunks)["tool_calls"] == {0: {"type": "custom"}}


def test_what_stands_beside_a_call_is_known_when_the_call_is_handed_on():
    signature = {"google": {"thought_signature": "AY89"}}
    fragment = {"id": "c", "extra_content": signature, **function("f", "{}")}
    chunks = read(event({"tool_calls": [fragment]}), END)
    first = next(at for at, chunk in enumerate(chunks) if chunk.tool_calls)
    assert wire(chunks[:first])["tool_calls"] == {0: {"extra_content": signature}}


ODD = {
    "halves of a character": [rb'{"content":"Hi \ud83d"}', rb'{"content":"\ude00 there"}'],
    "halves and text between": [rb'{"content":"Hi \ud83d","x":1}', rb'{"content":"\ude00 there","y":NaN}'],
}


@pytest.mark.parametrize("parts", ODD.values(), ids=ODD)
def test_a_character_in_two_halves_is_one(parts):
    events = [b'{"choices":[{"index":0,"delta":%b}]}' % part for part in parts]
    assert text(read(*events, event({}, "stop"))) == "Hi 😀 there"


def test_half_a_character_becomes_the_sign_for_one():
    half = rb'{"choices":[{"index":0,"delta":{"content":"a\ud83d"}}]}'
    assert text(read(half, event({"content": "b"}), half, event({}, "stop"))) == "a\ufffdba\ufffd"


def test_bytes_that_are_not_utf_8_become_the_sign_for_them():
    assert text(read(b'{"choices":[{"delta":{"content":"a\xff"}}]}', event({}, "stop"))) == "a\ufffd"


@pytest.mark.parametrize(
    "value",
    [
        *("NaN", "-Infinity", "1e999", '"text"', "[[[{}]]]", "9" * 400, '"\\ud83d"', "true", "null"),
        "[" * 200 + "]" * 200,
    ],
)
@pytest.mark.parametrize("place", ['{"choices":[%b],%b}', '{"choices":[{"a":0,%b,%b}]}'])
def test_an_odd_value_where_nobody_reads_ends_nothing(value, place):
    odd = f'"odd":{value}'
    if place.startswith('{"choices":[%b]'):
        body = f'{{"choices":[{{"delta":{{"content":"Hello"}}}}],{odd}}}'
    else:
        body = f'{{"choices":[{{"delta":{{"content":"Hello",{odd}}},{odd}}}]}}'
    chunks = read(body.encode(), event({}, "stop"))
    assert text(chunks) == "Hello"
    json.dumps(wire(chunks), allow_nan=False).encode()


@pytest.mark.parametrize(
    "life",
    [
        *(b"", b" ", b": keepalive", b"null", b"{}", b"[]", b'""', b"ping", b"[PING]", b"keep-alive", b"heartbeat 12"),
        *(b'{"type": "ping"}', b'{"choices": []}', b'{"id": "x", "choices": null}', b'{"type": "keepalive", "n": 1}'),
        b'{"object": "chat.completion.chunk", "created": 1, "usage": null}',
    ],
)
def test_a_sign_of_life_is_not_an_end(life):
    assert text(read(event({"content": "a"}), life, event({"content": "b"}, "stop"))) == "ab"


@pytest.mark.parametrize(
    "error",
    [
        {"error": "boom"},
        {"type": "error", "message": "boom"},
        {"detail": "boom"},
        {"choices": [{"index": 0, "error": {"code": 502, "message": "boom"}, "delta": {}, "finish_reason": None}]},
        {"choices": [], "error": {"message": "boom"}},
    ],
)
def test_an_error_in_any_form_is_one(error):
    with pytest.raises(ErrorEvent):
        read(event({"content": "a"}), error, event({}, "stop"))


@pytest.mark.parametrize("other", [{"type": "response.output_text.delta", "delta": "a"}, {"text": "a"}, [1], 3, "text"])
def test_another_protocol_is_an_error(other):
    with pytest.raises(NotAnEventError):
        read(event({"content": "a"}), other, event({}, "stop"))


@pytest.mark.parametrize("reason", ["", "null", "NULL", " ", None, False, 0, "none"])
def test_what_only_looks_like_a_reason_is_none(reason):
    answer = Answer({}, {})
    chunks = [*answer.chunks(data_of(event({"content": "a"}, reason)))]
    assert not answer.finished
    assert all(chunk.finish_reason is None for chunk in chunks)


@pytest.mark.parametrize("reason", ["stop", "length", "model_length", "SAFETY", "something new"])
def test_every_other_reason_is_passed_on_as_it_came(reason):
    found = read(event({"content": "a"}), event({}, reason), event({}, ""))
    assert [chunk.finish_reason for chunk in found if chunk.finish_reason] == [reason]


@pytest.mark.parametrize("reason", ["error", "abort", "insufficient_system_resource", "MALFORMED_FUNCTION_CALL"])
def test_a_reason_that_says_the_server_failed_is_an_error(reason):
    with pytest.raises(ErrorEvent):
        read(event({"content": "a"}), event({}, reason))


USAGES = {
    "OpenAI": {
        "prompt_tokens": 9,
        "completion_tokens": 4,
        "prompt_tokens_details": {"cached_tokens": 7},
        "completion_tokens_details": {"reasoning_tokens": 3},
    },
    "DeepSeek": {"prompt_tokens": 9, "completion_tokens": 4, "prompt_cache_hit_tokens": 7, "reasoning_tokens": 3},
    "floats": {
        "prompt_tokens": 9.0,
        "completion_tokens": "4",
        "prompt_tokens_details": {"cached_tokens": 7.0},
        "completion_tokens_details": {"reasoning_tokens": 3.0},
    },
    "other names": {
        "input_tokens": 9,
        "output_tokens": 4,
        "input_tokens_details": {"cached_tokens": 7},
        "output_tokens_details": {"reasoning_tokens": 3},
    },
}


@pytest.mark.parametrize("usage", USAGES.values(), ids=USAGES)
def test_usage_is_read_with_what_was_cached_and_what_was_reasoning(usage):
    chunks = read(event({"content": "a"}, "stop"), {"choices": [], "usage": usage})
    found = [chunk.usage for chunk in chunks if chunk.usage]
    assert found == [Usage(9, 4, cached_tokens=7, reasoning_tokens=3)]
    assert wire(chunks)["usage"].keys() == usage.keys()


@pytest.mark.parametrize("usage", [{}, [], 7, "7", {"prompt_tokens": None}, {"prompt_tokens": -1}, {"cost": 0.1}])
def test_usage_that_says_nothing_is_none(usage):
    assert not [chunk for chunk in read(event({"content": "a"}, "stop"), event({}, usage=usage)) if chunk.usage]


def test_the_structure_of_an_answer_is_carried():
    head = {"created": 1, "system_fingerprint": "fp", "service_tier": "flex", "provider": "p"}
    chunks = read(
        event({"content": "a"}, **head), event({"content": "b"}, service_tier="default"), event({}, "stop"),
        headers={"X-RateLimit-Remaining-Requests": "9", "set-cookie": "secret"},
    )  # fmt: skip
    assert wire(chunks) == {
        **HEAD,
        **head,
        "service_tier": "default",
        "headers": {"x-ratelimit-remaining-requests": "9"},
    }


def test_what_the_model_may_have_written_is_carried_apart():
    cited = {"type": "url_citation", "url_citation": {"url": "http://x.example"}}
    chunks = read(
        event({"content": "a"}, citations=["http://a.example"]),
        event({"annotations": [cited]}, citations=["http://a.example", "http://b.example"]),
        event({"annotations": [{**cited, "n": 2}], "audio": {"id": "1", "transcript": "he"}}),
        event({"audio": {"transcript": "llo"}, "reasoning": {"odd": "text"}}),
        {**HEAD, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "logprobs": {"content": [1]}}]},
    )
    assert wire(chunks)["unguarded"] == {
        "answer": {"citations": ["http://a.example", "http://b.example"]},
        "choice": {"logprobs": {"content": [1]}},
        "message": {
            "annotations": [cited, {**cited, "n": 2}],
            "audio": {"id": "1", "transcript": "hello"},
            "reasoning": {"odd": "text"},
        },
    }
    assert not any("unguarded" in (chunk.metadata or {}).get("wire", {}) for chunk in chunks[:-1])


def test_details_of_reasoning_are_joined_as_openrouter_streams_them():
    piece = {"type": "reasoning.text", "index": 0}
    sealed = {"type": "reasoning.encrypted", "data": "abc", "index": 1}
    chunks = read(
        event({"reasoning_details": [{**piece, "text": "Let me "}]}),
        event({"reasoning_details": [{**piece, "text": "think.", "signature": "S"}, sealed]}),
        event({"content": "Yes."}, "stop"),
    )
    joined = {**piece, "text": "Let me think.", "signature": "S"}
    assert wire(chunks)["unguarded"]["message"]["reasoning_details"] == [joined, sealed]
    assert (reasoning(chunks), text(chunks)) == ("Let me think.", "Yes.")


def test_what_is_carried_has_an_end(monkeypatch):
    monkeypatch.setattr("handrail_openai._beside._LARGEST", 5000)
    chunks = read(*(event({"notes": [f"{at}" * 100]}) for at in range(100)), event({}, "stop"))
    assert wire(chunks)["lost"] == ["notes"]
    assert len(json.dumps(wire(chunks))) < 6000


def test_a_second_answer_is_not_mixed_into_the_first():
    second = {**HEAD, "choices": [{"index": 1, "delta": {"content": "no"}, "finish_reason": None}]}
    chunks = read(event({"content": "a"}), second, event({"content": "b"}), event({}, "stop"))
    assert (text(chunks), wire(chunks)["lost"]) == ("ab", ["choices[1]"])


def test_a_message_that_repeats_the_deltas_is_not_read_again():
    whole = {**HEAD, "choices": [{"index": 0, "message": {"content": "ab"}, "finish_reason": "stop"}]}
    assert text(read(event({"content": "a"}), event({"content": "b"}), whole)) == "ab"
    assert text(read(whole)) == "ab"


def test_a_refusal_is_told_before_its_text():
    chunks = read(event({"refusal": "I can"}), event({"refusal": "not."}), event({}, "stop"))
    assert text(chunks) == "I cannot."
    assert wire(chunks[:1])["refusal"] is True
    assert not chunks[0].text


def test_what_gemini_marks_as_a_thought_is_reasoning():
    thought = {"content": "Hm.", "extra_content": {"google": {"thought": True}}}
    chunks = read(event(thought), event({"content": "Yes."}, "stop"))
    assert (reasoning(chunks), text(chunks)) == ("Hm.", "Yes.")


THOUGHTS = {
    "cut tags": (["<thi", "nk>plan", "ning</th", "ink>Yes."], "planning", "Yes."),
    "nested": (["<think>a<think>b</think>c</think>Yes."], "a<think>b", "c</think>Yes."),
    "a second block": (["<think>a</think>Yes. <think>no</think>"], "a", "Yes. <think>no</think>"),
    "never closed": (["<think>a"], "a", ""),
}


@pytest.mark.parametrize(("pieces", "thought", "said"), THOUGHTS.values(), ids=THOUGHTS)
@pytest.mark.parametrize("reason", [None, "", "null"])
def test_a_block_of_thoughts_ends_where_its_tag_does(pieces, thought, said, reason):
    chunks = read(
        *(event({"content": piece}, reason) for piece in pieces), event({}, "stop"), think=ThinkSplitter(opened=False)
    )
    assert (reasoning(chunks), text(chunks)) == (thought, said)


@pytest.mark.parametrize(
    "between",
    [
        event({"tool_calls": [{"id": "c", **function("f", "{}")}]}),
        event({"reasoning_content": "more"}),
        event({"refusal": "No."}),
        event({}, "stop"),
    ],
)
@pytest.mark.parametrize("opened", [False, True])
def test_a_block_that_is_interrupted_does_not_take_the_answer_with_it(between, opened):
    begin = event({"content": "plan" if opened else "<think>plan"})
    chunks = read(
        begin, between, event({"content": "The answer."}), event({}, "stop"), think=ThinkSplitter(opened=opened)
    )
    assert text(chunks).endswith("The answer.")
    assert reasoning(chunks).startswith("plan")
    assert "answer" not in reasoning(chunks)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["", "stop"])
things = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def objects(*names):
    return things | st.dictionaries(st.sampled_from(names), things, max_size=4)


inside = objects("name", "arguments", "input", "parameters", "thought_signature")
fragments = things | st.fixed_dictionaries(
    {}, optional={"function": inside, "custom": inside, "index": things, "id": things}
)
messages = things | st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("content", "refusal", "reasoning", "reasoning_content", "annotations", "audio"), things),
        "content_parts": things,
        "reasoning_details": st.lists(objects("type", "text", "index"), max_size=3),
        "tool_calls": things | st.lists(fragments, max_size=3),
        "function_call": inside,
        "extra_content": objects("google"),
    },
)
choices = things | st.fixed_dictionaries(
    {}, optional={"index": things, "delta": messages, "message": messages, "finish_reason": things, "logprobs": things}
)
events = things | st.fixed_dictionaries(
    {"choices": things | st.lists(choices, max_size=2)},
    optional={**dict.fromkeys(("id", "model", "created", "usage", "x_groq", "service_tier"), things)},
)


@given(st.lists(events, max_size=6), st.sampled_from([None, False, True]))
def test_whatever_a_server_sends_is_chunks_or_an_error_of_the_protocol(sent, opened):
    """And chunks are of the right types, in order, with a structure that any JSON can hold."""
    answer = Answer({}, {}, think=None if opened is None else ThinkSplitter(opened=opened))
    chunks = []
    try:
        for value in sent:
            chunks += answer.chunks(data_of(value))
        chunks += answer.end()
    except (NotAnEventError, ErrorEvent):
        pass
    for chunk in chunks:
        (chunk.text + chunk.reasoning).encode()
        json.dumps(chunk.metadata, allow_nan=False).encode()
    calls(chunks)
