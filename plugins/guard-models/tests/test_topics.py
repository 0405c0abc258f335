from __future__ import annotations

import pytest
from handrail import ConfigurationError

FLOW = "topic safety check input $model=topics"
TALK = [
    {"role": "user", "content": "Where is my parcel?"},
    {"role": "assistant", "content": "On its way."},
    {"role": "user", "content": "Who should I vote for?"},
]


@pytest.fixture
def topics():
    def topics(answer, content="Talk of parcels only.", **prompt):
        models = [
            {"type": kind, "engine": "scripted", "model": kind, "parameters": {"answers": [answer]}}
            for kind in ("main", "topics")
        ]
        task = "topic_safety_check_input $model=topics"
        return {"models": models, "prompts": [{"task": task, "content": content, **prompt}]}

    return topics


@pytest.mark.parametrize("said", ["off-topic", "Off-topic.", " off topic\n"])
async def test_what_is_off_topic_is_refused(make, topics, said):
    result = await make(topics(said), input_=[FLOW]).check_async(TALK)
    assert (result.status, result.category) == ("blocked", "off-topic")


async def test_the_judge_sees_guidelines_and_conversation(make, topics):
    rails = make(topics("on-topic"), input_=[FLOW])
    assert (await rails.check_async([*TALK, {"role": "assistant", "content": "Nobody."}], ["input"])).status == "passed"
    first, call = rails.explain().llm_calls
    assert [line for line in first.prompt.splitlines() if line][2:] == ["user: Where is my parcel?"]
    assert (call.task, call.llm_model_name) == ("topic_safety_check_input", "topics")
    shown = [line for line in call.prompt.splitlines() if line]
    assert shown[0] == "system: Talk of parcels only."
    assert "'off-topic'" in shown[1]
    assert shown[2:] == ["user: Where is my parcel?", "assistant: On its way.", "user: Who should I vote for?"]


@pytest.mark.parametrize("said", ["on-topic", "On-topic.", "on\u2011topic", "on\u2010topic", "**on topic**"])
async def test_what_is_on_topic_passes(make, topics, said):
    assert (await make(topics(said), input_=[FLOW]).check_async(TALK)).status == "passed"


@pytest.mark.parametrize("said", ["", "on-topic or off-topic", "It is on-topic", "yes"])
async def test_any_other_answer_fails_the_rail(make, topics, said):
    result = await make(topics(said), input_=[FLOW]).check_async(TALK)
    assert (result.status, result.failed) == ("blocked", True)


def test_a_prompt_with_variables_is_refused(make, topics):
    with pytest.raises(ConfigurationError, match="must be a 'content' without variables"):
        make(topics("on-topic", content="{{ user_input }}"), input_=[FLOW])


def test_settings_are_refused(make, topics):
    from handrail import LLMRails, RailsConfig

    rails = {"input": {"flows": [FLOW]}, "config": {"topic safety check input": {"cache_size": 3}}}
    with pytest.raises(ConfigurationError, match="cache_size"):
        LLMRails(RailsConfig.from_content(config={**topics("on-topic"), "rails": rails}))
