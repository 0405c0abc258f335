"""The rail through the whole engine: which calls pass, which do not, and what is said of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from handrail import Blocked, Chunk, Finished, LLMRails, RailFailed, RailsConfig, ToolCall, ToolCallDelta, Verdict
from handrail.errors import ConfigurationError

RAIL = "tool call validation"
SEARCH = {
    "type": "object",
    "properties": {"query": {"type": "string"}, "limit": {"type": "integer", "maximum": 50}},
    "required": ["query"],
    "additionalProperties": False,
}
TOOLS = [
    {"type": "function", "function": {"name": "search", "parameters": SEARCH}},
    {"type": "function", "function": {"name": "now"}},
    {"type": "function", "name": "flat", "parameters": {"type": "object", "properties": {"n": {"type": "number"}}}},
]


class Caller:
    """A model that calls tools; arguments come a few characters at a time."""

    def __init__(self, *calls, size=3, text=""):
        self.calls, self.size, self.text = calls, size, text

    async def stream(self, messages, params):
        if self.text:
            yield Chunk(self.text)
        for index, (name, arguments) in enumerate(self.calls):
            yield Chunk(tool_calls=(ToolCallDelta(index, f"c{index}", name),))
            for start in range(0, len(arguments), self.size):
                yield Chunk(tool_calls=(ToolCallDelta(index, arguments=arguments[start : start + self.size]),))
        yield Chunk(finish_reason="tool_calls")


def rails_for(provider, *, settings=None, flows=(RAIL,), models=(), **streaming):
    config = {
        "models": list(models),
        "rails": {
            "output": {"flows": list(flows), "streaming": {"enabled": True, **streaming}},
            "config": {RAIL: settings} if settings is not None else {},
        },
    }
    return LLMRails(RailsConfig.from_content(config=config), llm=provider)


async def outcome(name, arguments, *, settings=None, tools=TOOLS, **more):
    """Return the event with which a stream of one call ends."""
    rails = rails_for(Caller((name, arguments)), settings=settings, **more)
    async with rails.stream("hello", options={"llm_params": {"tools": tools}}) as stream:
        events = [event async for event in stream]
    delivered = [event for event in events if isinstance(event, ToolCallDelta)]
    assert bool(delivered) is isinstance(events[-1], Finished)
    return events[-1]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("search", '{"query": "tides"}'),
        ("search", ' { "limit" : 50, "query" : "\\u00e9\\"" } '),
        ("now", ""),
        ("now", "{}"),
        ("flat", '{"n": 1.5}'),
    ],
)
async def test_a_call_that_fits_passes_whole_and_unchanged(name, arguments):
    rails = rails_for(Caller((name, arguments)))
    async with rails.stream("hello", options={"llm_params": {"tools": TOOLS}}) as stream:
        events = [event async for event in stream]
    assert isinstance(events[-1], Finished)
    assert stream.response.tool_calls == (ToolCall("c0", name, arguments or "{}"),)


@pytest.mark.parametrize(
    ("arguments", "reason", "blamed"),
    [
        ('{"query": 3}', "search: $.query: 3 is not of type 'string'", "3"),
        ('{"limit": 3}', "search: $: 'query' is a required property", '{"limit": 3}'),
        ('{"query": "x", "limit": 51}', "search: $.limit: 51 is greater than the maximum of 50", "51"),
        ('{"query": "x", "path": "/"}', "search: $: Additional properties are not allowed ('path'", None),
        ('{"query": "x"', "search: the arguments are not valid JSON: Expecting ',' delimiter", '"'),
        ("rm -rf /", "search: the arguments are not valid JSON: Expecting value", "r"),
        ('{"query": "x"} and more', "search: the arguments are not valid JSON: Extra data", "a"),
        ('["x"]', "search: the arguments are not a JSON object", '["x"]'),
        ('{"query": "x", "query": "y"}', "are ambiguous JSON: the key 'query' comes twice", None),
        ('{"query": NaN}', "are ambiguous JSON: NaN is not valid in JSON", None),
        ('{"query": ' + "9" * 5000 + "}", "are ambiguous JSON: ", None),
        ("[" * 100_000, "search: the arguments have 100000 characters, more than 99999", None),
    ],
)
async def test_arguments_that_do_not_fit_are_blocked_with_reason_and_span(arguments, reason, blamed):
    event = await outcome("search", arguments, settings={"max_length": 99_999})
    assert isinstance(event, Blocked)
    assert (event.rail, event.category, event.channel) == (RAIL, "arguments", "tool_calls")
    assert reason in event.reason
    start, end = event.span
    assert arguments[start:end] == (arguments if blamed is None else blamed)


async def test_arguments_that_are_nested_too_deeply_are_blocked():
    event = await outcome("search", "[" * 90_000)
    assert isinstance(event, Blocked)
    assert "nested too deeply" in event.reason


async def test_a_tool_without_parameters_takes_none():
    event = await outcome("now", '{"zone": "CET"}')
    assert "Additional properties are not allowed" in event.reason


@pytest.mark.parametrize(("name", "reason"), [("rm", "tool 'rm' is unknown"), ("Search", "tool 'Search' is unknown")])
async def test_a_tool_that_nobody_defined_is_blocked(name, reason):
    event = await outcome(name, "{}")
    assert (event.reason, event.category) == (reason, "unknown_tool")
    assert event.span == (0, 2)


@pytest.mark.parametrize("name", [None, ""])
async def test_a_call_without_a_name_is_blocked(name):
    event = await outcome(name, '{"query": "x"}')
    assert (event.reason, event.category) == ("a tool is called without a name", "unknown_tool")


async def test_without_any_definition_every_call_is_blocked():
    assert isinstance(await outcome("search", '{"query": "x"}', tools=[]), Blocked)


@pytest.mark.parametrize(
    ("settings", "name", "reason"),
    [
        ({"denied": ["now"]}, "now", "tool 'now' is denied"),
        ({"denied": ["n*"]}, "now", "tool 'now' is denied"),
        ({"allowed": ["search"]}, "now", "tool 'now' is not among the allowed ones"),
        ({"allowed": []}, "now", "tool 'now' is not among the allowed ones"),
        ({"allowed": ["*"], "denied": ["now"]}, "now", "tool 'now' is denied"),
        ({"allowed": ["rm"]}, "rm", "tool 'rm' is unknown"),
        ({"allowed": ["n*"]}, "now", None),
        ({"denied": ["search"]}, "now", None),
    ],
)
async def test_tools_are_allowed_and_denied_by_name(settings, name, reason):
    event = await outcome(name, "", settings=settings)
    assert getattr(event, "reason", None) == reason


async def test_a_schema_in_the_settings_makes_a_tool_known():
    settings = {"schemas": {"pay": {"properties": {"amount": {"maximum": 100}}}}}
    assert isinstance(await outcome("pay", '{"amount": 99}', settings=settings), Finished)
    event = await outcome("pay", '{"amount": 101}', settings=settings)
    assert event.reason == "pay: $.amount: 101 is greater than the maximum of 100"


async def test_a_schema_in_the_settings_narrows_a_requests():
    settings = {"schemas": {"search": {"properties": {"query": {"maxLength": 3}}}}}
    assert isinstance(await outcome("search", '{"query": "abc"}', settings=settings), Finished)
    assert "'abcd' is too long" in (await outcome("search", '{"query": "abcd"}', settings=settings)).reason
    assert "required" in (await outcome("search", "{}", settings=settings)).reason


async def test_tools_of_the_models_parameters_are_known():
    parameters = {"answers": ["x"], "tools": TOOLS}
    models = [{"type": "main", "engine": "given", "model": "m", "parameters": parameters}]
    assert isinstance(await outcome("now", "", tools=None, models=models), Finished)
    other = [{"type": "function", "function": {"name": "other"}}]
    assert isinstance(await outcome("now", "", tools=other, models=models), Blocked)


@pytest.mark.parametrize(
    ("tools", "says"),
    [
        ([{"type": "function", "function": {"name": "f", "parameters": {"type": "text"}}}], "it is not a JSON Schema"),
        (
            [{"type": "function", "function": {"name": "f", "parameters": {"$ref": "https://x.invalid/s"}}}],
            "is fetched",
        ),
        ([{"type": "function", "function": {"parameters": {}}}], "the request has the tool"),
        (["f"], "the request has the tool 'f'"),
        ([{"type": "function", "function": {"name": "f", "parameters": {"const": {1, 2}}}}], "tool 'f' cannot be used"),
    ],
)
async def test_a_definition_that_cannot_be_used_is_a_failure_and_no_pass(tools, says):
    event = await outcome("f", "{}", tools=tools)
    assert isinstance(event, RailFailed)
    assert says in event.error


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"schemas": {"f": {"type": "text"}}}, "it is not a JSON Schema"),
        ({"max_length": 1}, "max_length"),
        ({"alowed": []}, "allowed"),
        ({"streaming": {"chunk_size": 100}}, "checks whole texts only, so 'streaming' cannot be set for it"),
    ],
)
def test_settings_that_are_wrong_are_errors_when_the_configuration_is_loaded(settings, says):
    with pytest.raises(ConfigurationError, match=says):
        rails_for(Caller(), settings=settings)


async def test_a_rail_that_is_shown_something_else_fails_instead_of_passing():
    rails = rails_for(Caller(text="hello"), settings={"channels": ["text"]})
    async with rails.stream("hello") as stream:
        (event,) = [event async for event in stream]
    assert isinstance(event, RailFailed)
    assert "it judges the channel 'tool_calls' only" in event.error


@pytest.mark.parametrize("stream_first", [False, True])
async def test_text_streams_as_ever_and_nothing_of_a_bad_call_is_delivered(stream_first):
    provider = Caller(("now", ""), ("search", '{"query": 3}'), text="Let me look.")
    rails = rails_for(provider, stream_first=stream_first)
    async with rails.stream("hello", options={"llm_params": {"tools": TOOLS}}) as stream:
        events = [event async for event in stream]
    assert stream.response.text == "Let me look."
    assert isinstance(events[-1], Blocked)
    assert [event.name for event in events if isinstance(event, ToolCallDelta)] in ([], ["now"])


async def test_generate_and_check_validate_calls_too():
    options = {"llm_params": {"tools": TOOLS}}
    good = await rails_for(Caller(("search", '{"query": "x"}'))).generate_async("hello", options=options)
    assert good.tool_calls == (ToolCall("c0", "search", '{"query": "x"}'),)
    rails = rails_for(Caller(("search", "{}")))
    bad = await rails.generate_async("hello", options=options)
    assert (bad.outcome, bad.tool_calls) == ("blocked", ())
    call = {"id": "c", "type": "function", "function": {"name": "search", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    result = await rails.check_async([message], options=options)
    assert (result.status, result.rail) == ("blocked", RAIL)
    assert (await rails.check_async([{"role": "assistant", "content": "Hello"}])).status == "passed"


async def test_calls_are_blocked_however_they_are_cut():
    text = json.dumps({"query": "x" * 20, "limit": 99})
    for size in (1, 2, 7, 1000):
        rails = rails_for(Caller(("search", text), size=size))
        response = await rails.generate_async("hello", options={"llm_params": {"tools": TOOLS}})
        assert response.stop.span == (text.index("99"), text.index("99") + 2)


async def test_the_example_of_the_readme_does_what_it_says():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    config = RailsConfig.from_content(yaml_content=readme.split("```yaml\n")[1].split("```")[0])
    tools = [{"type": "function", "function": {"name": "pay", "parameters": {"type": "object"}}}]
    reasons = []
    for name, arguments in (("pay", '{"amount": 7}'), ("pay", '{"amount": 700}'), ("pay", "{}"), ("delete_all", "{}")):
        rails = LLMRails(config, llm=Caller((name, arguments)))
        response = await rails.generate_async("hello", options={"llm_params": {"tools": tools}})
        reasons.append(response.stop and response.stop.reason)
    assert reasons == [
        None,
        "pay: $.amount: 700 is greater than the maximum of 100",
        "pay: $: 'amount' is a required property",
        "tool 'delete_all' is denied",
    ]


async def test_a_rail_for_text_beside_it_does_not_see_the_calls():
    seen = []
    rails = rails_for(Caller(("now", ""), text="Hi"))

    @rails.register_rail("note", options={"channels": ["text"]})
    async def note(text):
        seen.append(text)
        return Verdict.allow()

    await rails.generate_async("hello", options={"llm_params": {"tools": TOOLS}})
    assert seen == ["Hi"]
