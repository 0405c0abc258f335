"""`check`: rails alone, over messages that somebody else produced."""

from __future__ import annotations

import anyio
import pytest
from fakes import FakeProvider, FunctionRail, SessionRail, words
from handrail import Chunk, Edit, Ruling, ToolCall, Usage, Verdict
from handrail.errors import InvalidRequestError

REFUSAL = "I'm sorry, I can't respond to that."
USER = {"role": "user", "content": "I am Bob"}
ANSWER = {"role": "assistant", "content": "Hello Bob"}


def refusing(window):
    found = window.text.find("Bob")
    return Verdict.allow() if found < 0 else Verdict.block("a name", category="pii", span=(found, found + 3))


def masking(window):
    found = window.text.find("Bob")
    return Verdict.allow() if found < 0 else Verdict.rewrite([Edit(found, found + 3, "<name>")])


def both(guarded, judge_in=None, judge_out=None, **config):
    rails = {"in": FunctionRail(judge_in), "out": FunctionRail(judge_out)}
    return guarded(FakeProvider(["never"]), rails, input_flows=["in"], **config), rails


async def test_a_text_that_passes_is_passed(guarded):
    g, _ = both(guarded)
    result = await g.rails.check_async([USER, ANSWER])
    assert (result.status, result.content, result.rail) == ("passed", "Hello Bob", None)
    assert g.provider.opened == 0


async def test_a_text_that_a_rail_rewrites_is_modified(guarded):
    g, _ = both(guarded, masking)
    result = await g.rails.check_async([USER])
    assert (result.status, result.content, result.rail) == ("modified", "I am <name>", None)


async def test_a_text_that_a_rail_refuses_is_blocked_and_says_by_whom_why_and_where(guarded):
    g, _ = both(guarded, None, refusing)
    result = await g.rails.check_async([USER, ANSWER])
    assert (result.status, result.rail, result.content) == ("blocked", "out", REFUSAL)
    assert (result.reason, result.category, result.span, result.failed) == ("a name", "pii", (6, 9), False)
    assert [(run.rail, run.decision) for run in result.journal.rail_runs] == [("in", "allow"), ("out", "block")]
    assert [(rail.type, rail.name, rail.stop) for rail in result.log.activated_rails] == [
        ("input", "in", False),
        ("output", "out", True),
    ]


async def test_a_rail_that_fails_blocks_and_says_that_it_failed(guarded):
    g, _ = both(guarded, None, lambda window: 1 / 0)
    result = await g.rails.check_async([ANSWER])
    assert (result.status, result.rail, result.failed) == ("blocked", "out", True)
    assert result.content == "I'm sorry, an internal error has occurred."
    assert "ZeroDivisionError" in result.reason


def test_check_is_the_synchronous_form(guarded):
    g, _ = both(guarded, refusing)
    assert g.rails.check([USER]).status == "blocked"
    assert g.rails.check([USER], rail_types=["input"], options={"rails": {"input": []}}).status == "passed"


@pytest.mark.parametrize(
    ("messages", "rail_types", "run"),
    [
        ([USER], None, ["in"]),
        ([ANSWER], None, ["out"]),
        ([USER, ANSWER], None, ["in", "out"]),
        ([USER, ANSWER], ["output"], ["out"]),
        ([USER, ANSWER], ["input"], ["in"]),
        ([USER, ANSWER], ["output", "input"], ["in", "out"]),
        ([{"role": "system", "content": "s"}, USER], None, ["in"]),
    ],
)
async def test_which_rails_run_follows_from_the_roles_or_is_said(guarded, messages, rail_types, run):
    g, rails = both(guarded)
    await g.rails.check_async(messages, rail_types)
    assert [name for name, rail in rails.items() if rail.windows] == run


async def test_rails_are_chosen_by_name(guarded):
    rails = {"a": FunctionRail(refusing), "b": FunctionRail()}
    g = guarded(FakeProvider([]), rails)
    assert (await g.rails.check_async([ANSWER], options={"rails": {"output": ["b"]}})).status == "passed"
    assert rails["a"].windows == []


@pytest.mark.parametrize(
    ("messages", "rail_types", "says"),
    [
        ([], None, "'messages' is empty"),
        ([{"role": "system", "content": "s"}], None, "there is nothing to check"),
        ([ANSWER], ["input"], "no user message for the input rails"),
        ([USER], ["output"], "no assistant message for the output rails"),
        ([USER], [], "there is nothing to check"),
        ([USER], ["inputs"], r"rail_types must be a list of 'input', 'output' or both"),
        ([USER], "input", "rail_types must be a list"),
        ([{"role": "usr", "content": "x"}], None, "has an unknown role"),
        ("x", None, "'messages' must be a list"),
    ],
)
async def test_what_cannot_be_checked_is_an_error_and_no_pass(guarded, messages, rail_types, says):
    g, _ = both(guarded)
    with pytest.raises(InvalidRequestError, match=says):
        await g.rails.check_async(messages, rail_types)


async def test_all_user_messages_before_the_answer_are_judged(guarded):
    g, rails = both(guarded)
    old = [{"role": "user", "content": "old"}, {"role": "assistant", "content": "older"}]
    await g.rails.check_async([*old, {"role": "user", "content": "one"}, USER, ANSWER])
    assert [window.text for window in rails["in"].windows] == ["old", "one\nI am Bob"]
    assert rails["out"].windows[0].text == "Hello Bob"


async def test_output_rails_see_the_input_as_input_rails_left_it(guarded):
    g, rails = both(guarded, masking)
    await g.rails.check_async([USER, ANSWER])
    assert rails["out"].turns[0].user_message == "I am <name>"


async def test_an_input_that_is_refused_spares_the_answers_rails(guarded):
    g, rails = both(guarded, refusing)
    assert (await g.rails.check_async([USER, ANSWER])).rail == "in"
    assert rails["out"].windows == []


async def test_each_rail_sees_the_whole_text_at_once_and_parallel_ones_together(guarded):
    rails = {"a": FunctionRail(latency=0.4), "b": FunctionRail(latency=0.5), "s": SessionRail(Ruling)}
    g = guarded(FakeProvider([]), rails, parallel=True)
    started = anyio.current_time()
    await g.rails.check_async([{"role": "assistant", "content": "".join(words(500))}])
    assert anyio.current_time() - started == pytest.approx(0.5)
    assert [window.text for window in rails["a"].windows] == ["".join(words(500))]


CALL = {"id": "c1", "type": "function", "function": {"name": "rm", "arguments": '{"path": "/"}'}}


async def test_tool_calls_of_a_message_are_shown_to_the_rails_that_guard_them(guarded):
    rails = {"text": FunctionRail(refusing), "tools": FunctionRail(lambda window: Verdict.block(window.tool_name))}
    options = {"text": {"channels": ["text"]}, "tools": {"channels": ["tool_calls"]}}
    g = guarded(FakeProvider([]), rails, options=options)
    assert (await g.rails.check_async([{"role": "assistant", "content": "Hello"}])).status == "passed"
    result = await g.rails.check_async([{"role": "assistant", "content": None, "tool_calls": [CALL]}])
    assert (result.status, result.rail, result.reason) == ("blocked", "tools", "rm")
    assert [window.text for window in rails["tools"].windows] == ["path\n/"]
    assert [window.text for window in rails["text"].windows] == ["Hello"]


@pytest.mark.parametrize("calls", [["rm"], [{"name": "rm"}], [{"function": {"name": "f", "arguments": {}}}], 3])
async def test_tool_calls_of_another_form_are_an_error_and_no_pass(guarded, calls):
    g, _ = both(guarded)
    with pytest.raises(InvalidRequestError, match="a tool call of a message is not"):
        await g.rails.check_async([{"role": "assistant", "content": "x", "tool_calls": calls}])


async def test_tool_calls_come_back_as_the_rails_let_them_through(guarded):
    arguments = '{"to": "Bob", "text": "Hi"}'
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "mail", "arguments": arguments}},
        {"id": "c2", "type": "custom", "custom": {"name": "sh", "input": "echo Bob"}},
    ]
    g, _ = both(guarded, None, masking)
    result = await g.rails.check_async([{"role": "assistant", "content": "Hello", "tool_calls": calls}])
    assert (result.status, result.content) == ("modified", "Hello")
    assert result.tool_calls == (
        ToolCall("c1", "mail", arguments.replace("Bob", "<name>")),
        ToolCall("c2", "sh", "echo <name>", "custom"),
    )


async def test_tool_calls_that_pass_come_back_as_they_were_and_refused_ones_do_not(guarded):
    older = {"role": "assistant", "content": None, "function_call": {"name": "rm", "arguments": '{"path": "/"}'}}
    g, _ = both(guarded, None, refusing)
    result = await g.rails.check_async([{**older, "tool_calls": [CALL]}])
    assert result.status == "passed"
    assert result.tool_calls == (ToolCall("c1", "rm", '{"path": "/"}'), ToolCall("", "rm", '{"path": "/"}'))
    refused = {**CALL, "function": {"name": "rm", "arguments": '{"path": "Bob"}'}}
    result = await g.rails.check_async([{"role": "assistant", "content": None, "tool_calls": [CALL, refused]}])
    assert (result.status, result.tool_calls) == ("blocked", ())


async def test_the_tools_of_the_options_reach_the_rails(guarded):
    g, rails = both(guarded)
    await g.rails.check_async([ANSWER], options={"llm_params": {"tools": [{"type": "function"}]}})
    assert rails["out"].turns[0].tools == ({"type": "function"},)


async def test_explain_tells_what_a_check_has_asked(guarded):
    class Judge:
        def __init__(self, settings, context):
            self.model = context.model()

        async def check(self, window, turn):
            await self.model.complete([{"role": "user", "content": "ok?"}], turn=turn, task="judge")
            return Verdict.allow()

    g = guarded(FakeProvider(["yes"]), {"judge": Judge})
    result = await g.rails.check_async([ANSWER])
    (call,) = g.rails.explain().llm_calls
    assert (call.task, call.prompt, call.completion) == ("judge", "user: ok?", "yes")
    assert result.journal.usage.total_tokens == call.total_tokens


CUSTOM = {"id": "c", "type": "custom", "custom": {"name": "sh", "input": "rm -rf"}}


@pytest.mark.parametrize(
    "more",
    [
        {"tool_calls": [CUSTOM]},
        {"function_call": {"name": "sh", "arguments": '{"c": "rm"}'}},
        {"refusal": "I will not rm that."},
        {"content": "No.", "refusal": "I will not rm that."},
    ],
)
async def test_whatever_an_answer_says_is_judged(guarded, more):
    rail = FunctionRail(lambda window: Verdict.block("rm") if "rm" in window.text else Verdict.allow())
    g = guarded(FakeProvider([]), {"out": rail})
    result = await g.rails.check_async([{"role": "assistant", "content": None, **more}])
    assert (result.status, result.reason) == ("blocked", "rm")


async def test_what_cannot_be_judged_is_not_shown_in_the_error(guarded):
    g = guarded(FakeProvider([]), {"out": FunctionRail()})
    with pytest.raises(InvalidRequestError) as caught:
        await g.rails.check_async([{"role": "assistant", "content": "x", "tool_calls": [{"function": "secret"}]}])
    assert "secret" not in str(caught.value)


async def test_a_check_says_what_it_has_cost(guarded):
    class Asking:
        def __init__(self, settings, context):
            self.model = context.model()

        async def check(self, window, turn):
            await self.model.complete([{"role": "user", "content": window.text}], turn=turn, task="judge")
            return Verdict.allow()

    g = guarded(FakeProvider([Chunk("no", usage=Usage(7, 1))]), {"out": Asking})
    assert (await g.rails.check_async([ANSWER])).usage == Usage(7, 1)


@pytest.mark.parametrize(
    ("call", "status", "arguments"),
    [
        ({"type": "function", "function": {"name": "f", "arguments": '{"to": "B\\u006fb"}'}}, "modified", '"<name>"}'),
        ({"type": "custom", "custom": {"name": "f", "input": "to Bob"}}, "modified", "to <name>"),
        ({"type": "function", "function": {"name": "f", "arguments": '{"to": "Eve"}'}}, "passed", '{"to": "Eve"}'),
        ({"type": "function", "function": {"name": "f", "arguments": ""}}, "passed", "{}"),
        ({"type": "custom", "custom": {"name": "f", "input": ""}}, "passed", ""),
    ],
)
async def test_a_tool_call_that_a_rail_rewrites_is_modified_and_comes_back(guarded, call, status, arguments):
    g, _ = both(guarded, None, masking)
    message = {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", **call}]}
    result = await g.rails.check_async([message])
    (called,) = result.tool_calls
    assert (result.status, called.id, called.name, called.kind) == (status, "c1", "f", call["type"])
    assert called.arguments.endswith(arguments)
    unguarded = guarded(FakeProvider([]), {"out": FunctionRail(masking)}, specs={"out": {"channels": ("text",)}})
    assert (await unguarded.rails.check_async([message])).status == "passed"


@pytest.mark.parametrize(
    "answer",
    [
        {"content": None, "refusal": "Not for Bob"},
        {"content": [{"type": "refusal", "refusal": "Not for Bob"}]},
        {"content": [{"type": "text", "text": "Hi"}, {"type": "refusal", "refusal": "Not for Bob"}]},
        {"content": None, "audio": {"id": "a", "transcript": "Not for Bob"}},
        {"content": "Hi", "reasoning_content": "Not for Bob"},
        {"content": "Hi", "reasoning": "Not for Bob"},
        {"content": "Hi", "reasoning_content": "Nothing", "reasoning": "Not for Bob"},
    ],
)
async def test_what_a_reader_reads_of_an_answer_is_judged_wherever_it_stands(guarded, answer):
    channels = ("text", "tool_calls", "reasoning")
    for judge, status in ((refusing, "blocked"), (masking, "modified"), (None, "passed")):
        g = guarded(FakeProvider([]), {"out": FunctionRail(judge)}, specs={"out": {"channels": channels}})
        result = await g.rails.check_async([{"role": "assistant", **answer}])
        assert result.status == status
        assert ("Not for" in f"{result.content}{result.reasoning}") == (status != "blocked")
