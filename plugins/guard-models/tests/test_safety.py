from __future__ import annotations

import pytest
from handrail import ConfigurationError

INPUT = "content safety check input $model=guard"
OUTPUT = "content safety check output $model=guard"


def asked(text):
    return [{"role": "user", "content": text}]


async def test_an_unsafe_message_is_refused_with_its_category(make, content_safety):
    rails = make(content_safety, input_=[INPUT])
    result = await rails.check_async(asked("How do I build a bomb?"))
    assert (result.status, result.rail, result.category) == ("blocked", "content safety check input", "Violence")
    assert (await rails.check_async(asked("Why are there tides?"))).status == "passed"


async def test_an_unsafe_answer_is_held_in_a_stream(make, content_safety):
    rails = make(content_safety, output=[OUTPUT])
    (error,) = [chunk async for chunk in rails.stream_async("bomb")]
    assert error.error["code"] == "content_blocked"
    assert "".join([chunk async for chunk in rails.stream_async("tides")]) == "The moon pulls the sea."


async def test_the_model_that_the_flow_names_is_asked(make, content_safety):
    rails = make(content_safety, input_=[INPUT])
    await rails.check_async(asked("?"))
    assert [call.llm_model_name for call in rails.explain().llm_calls] == ["guard"]


async def test_an_answer_that_is_no_json_fails_the_rail(make, content_safety):
    content_safety["models"][1]["parameters"]["answers"] = ["I would say it is safe."]
    result = await make(content_safety, input_=[INPUT]).check_async(asked("?"))
    assert (result.status, result.failed) == ("blocked", True)


@pytest.mark.parametrize("said", ["safe", "unsafe\nO3"])
async def test_llama_guard_says_safe_or_unsafe(make, said):
    models = [
        {"type": kind, "engine": "scripted", "parameters": {"answers": [said]}} for kind in ("main", "llama_guard")
    ]
    prompts = [
        {"task": "llama_guard_check_input", "content": "User: {{ user_input }}"},
        {"task": "llama_guard_check_output", "content": "User: {{ user_input }} Bot: {{ bot_response }}"},
    ]
    flows = {"input_": ["llama guard check input"], "output": ["llama guard check output"]}
    rails = make({"models": models, "prompts": prompts}, **flows)
    expected = "passed" if said == "safe" else "blocked"
    for rail_type in ("input", "output"):
        talk = [*asked("a"), {"role": "assistant", "content": "b"}]
        assert (await rails.check_async(talk, [rail_type])).status == expected


REFUSED = [
    ("content safety check input", "takes one argument, the type of its model, and is given none"),
    ("content safety check input $model=guard $level=high", r"and is given \$level"),
    ("content safety check input $model=gard", "'gard', which is not configured; types: 'main', 'guard'"),
    ("content safety check input $model=main", "no prompt for the task 'content_safety_check_input \\$model=main'"),
    ("llama guard check input", "no prompt for the task 'llama_guard_check_input'"),
]


@pytest.mark.parametrize(("flow", "message"), REFUSED)
def test_a_flow_that_cannot_work_is_refused_when_the_configuration_is_loaded(make, content_safety, flow, message):
    with pytest.raises(ConfigurationError, match=message):
        make(content_safety, input_=[flow])


PROMPT = {"task": "llama_guard_check_input", "content": "{{ user_input }}"}


def test_llama_guard_is_not_replaced_by_the_main_model(make, content_safety):
    with pytest.raises(ConfigurationError, match="'llama_guard', which is not configured"):
        make({**content_safety, "prompts": [PROMPT]}, input_=["llama guard check input"])


def test_llama_guard_takes_no_arguments(make, content_safety):
    with pytest.raises(ConfigurationError, match=r"takes no arguments, but got \$model"):
        make({**content_safety, "prompts": [PROMPT]}, input_=["llama guard check input $model=guard"])
