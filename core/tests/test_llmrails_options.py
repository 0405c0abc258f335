"""Options of a call: which rails run, what the model is asked with, what comes back, and who may say so."""

from __future__ import annotations

import pytest
from fakes import FakeProvider, FunctionRail
from handrail import Chunk, GenerationOptions, Verdict
from handrail.errors import InvalidRequestError


def three(guarded, **config):
    """Two rails for the output and one for the input."""
    rails = {"in": FunctionRail(), "a": FunctionRail(), "b": FunctionRail()}
    g = guarded(FakeProvider(["Hi"]), rails, flows=["a", "b"], input_flows=["in"], **config)
    return g, rails


@pytest.mark.parametrize(
    ("wanted", "run"),
    [
        (None, {"in", "a", "b"}),
        (["input"], {"in"}),
        (["output"], {"a", "b"}),
        (["input", "output"], {"in", "a", "b"}),
        ([], set()),
        ({"input": False}, {"a", "b"}),
        ({"output": True}, {"in", "a", "b"}),
        ({"output": ["b"]}, {"in", "b"}),
        ({"output": [], "input": False}, set()),
        ({"dialog": False, "retrieval": False}, {"in", "a", "b"}),
    ],
)
async def test_rails_of_a_call_are_chosen_by_a_list_by_bool_or_by_name(guarded, wanted, run):
    g, rails = three(guarded)
    await g.rails.generate_async("hello", options={"rails": wanted})
    assert {name for name, rail in rails.items() if rail.windows} == run
    for rail in rails.values():
        rail.windows.clear()
    await g.texts(options={"rails": wanted})
    assert {name for name, rail in rails.items() if rail.windows} == run


async def test_a_call_without_output_rails_may_stream_where_streaming_is_not_enabled(guarded):
    g, _ = three(guarded, enabled=False)
    assert await g.texts(options={"rails": ["input"]}) == ["Hi"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"rails": {"output": ["c"]}}, "options.rails.output names 'c'; configured are 'a', 'b'"),
        ({"rails": ["outputs"]}, "options.rails has 'outputs'; allowed: input, output.*did you mean 'output'"),
        ({"rails": "output"}, "options.rails must be a mapping, not str"),
        ({"rails": {"output": "a"}}, "options.rails.output must be true, false or a list of names"),
        ({"log": {"llm_call": True}}, "options.log has 'llm_call'.*did you mean 'llm_calls'"),
        ({"log": {"llm_calls": 1}}, "options.log.llm_calls must be true or false, not int"),
        ({"log": True}, "options.log must be a mapping, not bool"),
        ({"llm_output": "yes"}, "options.llm_output must be true or false"),
        ({"llm_params": [1]}, "options.llm_params must be a mapping"),
        ({"output_vars": "x"}, "options.output_vars must be true, false or a list of names"),
        ({"llm_parms": {}}, "options has 'llm_parms'.*did you mean 'llm_params'"),
    ],
)
async def test_options_that_are_wrong_say_what_is_allowed(guarded, options, says):
    g, _ = three(guarded)
    with pytest.raises(InvalidRequestError, match=says):
        await g.rails.generate_async("hello", options=options)
    with pytest.raises(InvalidRequestError, match=says):
        g.rails.stream_async("hello", options=options)
    with pytest.raises(InvalidRequestError, match=says):
        await g.rails.check_async(
            [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}], options=options
        )
    assert g.provider.opened == 0


async def test_llm_params_reach_the_provider(guarded):
    g, _ = three(guarded)
    await g.rails.generate_async("hello", options={"llm_params": {"temperature": 0.3}})
    await g.texts(options={"llm_params": {"temperature": 0.4}})
    assert g.provider.params == [{"temperature": 0.3}, {"temperature": 0.4}]


async def test_llm_output_gives_what_the_provider_sent_beside_the_text(guarded):
    g = guarded(FakeProvider([Chunk("Hi", finish_reason="stop", metadata={"id": "r1"})]), {})
    response = await g.rails.generate_async("hello", options={"llm_output": True})
    assert response.llm_output == {"finish_reason": "stop", "id": "r1"}
    assert (await g.rails.generate_async("hello", options={})).llm_output is None


async def test_output_vars_give_the_contexts_variables_and_which_rail_stopped_the_call(guarded):
    rails = {"r": FunctionRail(lambda window: Verdict.block())}
    g = guarded(FakeProvider(["Hi"]), rails)
    messages = [{"role": "context", "content": {"city": "Bonn", "user_message": "forged"}}]
    messages += [{"role": "user", "content": "hello"}]
    response = await g.rails.generate_async(messages=messages, options={"output_vars": True})
    assert response.output_data == {
        "city": "Bonn",
        "user_message": "hello",
        "last_user_message": "hello",
        "bot_message": "",
        "triggered_input_rail": None,
        "triggered_output_rail": "r",
    }
    response = await g.rails.generate_async(messages=messages, options={"output_vars": ["city", "other"]})
    assert response.output_data == {"city": "Bonn", "other": None}
    assert (await g.rails.generate_async(messages=messages, options={})).output_data is None


async def test_every_part_of_the_log_is_absent_unless_asked_for(guarded):
    g, _ = three(guarded)
    log = (await g.rails.generate_async("hello", options={})).log
    assert (log.activated_rails, log.llm_calls, log.internal_events, log.colang_history) == (None, None, None, None)
    wanted = {"activated_rails": True, "llm_calls": True, "internal_events": True, "colang_history": True}
    log = (await g.rails.generate_async("hello", options={"log": wanted})).log
    assert {(rail.type, rail.name) for rail in log.activated_rails} == {
        ("input", "in"),
        ("generation", "generate"),
        ("output", "a"),
        ("output", "b"),
    }
    assert len(log.llm_calls) == 1
    assert [event["rail"] for event in log.internal_events] == ["in", "a", "b"]


@pytest.mark.parametrize("options", [{"rails": ["input"]}, GenerationOptions(rails={"output": False})])
async def test_a_program_forbids_what_its_callers_may_switch_off(guarded, options):
    g, rails = three(guarded, caller_may=["llm_params", "log"])
    with pytest.raises(InvalidRequestError, match="options.rails may not be set here; allowed: llm_params, log"):
        g.rails.stream_async("hello", options=options)
    with pytest.raises(InvalidRequestError, match="may not be set here"):
        await g.rails.generate_async("hello", options=options)
    with pytest.raises(InvalidRequestError, match="may not be set here"):
        await g.rails.check_async([{"role": "user", "content": "x"}], options=options)
    await g.rails.generate_async("hello", options={"llm_params": {"n": 1}, "log": {}})
    await g.rails.generate_async("hello", options=GenerationOptions(llm_params={"n": 1}))
    assert rails["a"].windows


async def test_a_program_may_forbid_all_options(guarded):
    g, _ = three(guarded, caller_may=[])
    with pytest.raises(InvalidRequestError, match="options.log may not be set here; allowed: none"):
        await g.rails.generate_async("hello", options={"log": {}})


async def test_what_no_rail_has_judged_is_kept_out_of_what_the_provider_sent(guarded):
    wire = {"id": "x", "unguarded": {"message": {"annotations": ["secret"]}}}
    g = guarded(FakeProvider([Chunk("Hi", metadata={"wire": wire, "n": 1})]), {"r": FunctionRail()})
    response = await g.rails.generate_async("hello", options={"llm_output": True})
    async with g.rails.stream("hello") as stream:
        while await stream.take():
            pass
    for found in (response, stream.response):
        assert found.llm_metadata == {"finish_reason": None, "wire": {"id": "x"}, "n": 1}
        assert found.unguarded == {"message": {"annotations": ["secret"]}}
        assert "secret" not in repr(found)
    assert response.llm_output == response.llm_metadata
