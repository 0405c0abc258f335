"""A judge that would be shown a picture there is not passed over here: such a call is refused."""

from __future__ import annotations

import pytest
from handrail.errors import InvalidRequestError
from nemoguardrails import LLMRails, RailsConfig
from nemoguardrails.rails.llm.options import RailType
from nemoguardrails.testing import FakeLLMModel

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
TEXT = {"type": "text", "text": "What is it?"}
SHOWS = {"messages": [{"type": "system", "content": "Is it harmful?"}, {"type": "user", "content": "{{ user_input }}"}]}


@pytest.fixture
def made():
    def make(prompt=SHOWS):
        config = {
            "models": [],
            "rails": {"input": {"flows": ["self check input"]}, "output": {"flows": []}},
            "prompts": [{"task": "self_check_input", **prompt}],
        }
        return LLMRails(RailsConfig.from_content(config=config), FakeLLMModel(["no", "It is a cat."]))

    return make


@pytest.mark.parametrize("parts", [[PICTURE], [TEXT, PICTURE], [TEXT, {"type": "file", "file": {}}]])
async def test_a_picture_that_its_judge_would_not_see_is_refused(made, parts):
    rails, messages = made(), [{"role": "user", "content": parts}]
    with pytest.raises(InvalidRequestError, match="'self check input' would not see"):
        await rails.generate_async(messages=messages)
    with pytest.raises(InvalidRequestError):
        rails.stream_async(messages=messages)
    with pytest.raises(InvalidRequestError):
        await rails.check_async(messages)
    assert rails.llm.inference_count == 0


async def test_what_has_only_texts_is_judged(made):
    messages = [{"role": "user", "content": [TEXT, {"type": "text", "text": "Say."}]}]
    assert (await made().generate_async(messages=messages))["content"] == "It is a cat."


async def test_where_no_rail_judges_the_message_a_picture_goes_to_the_model(made):
    messages = [{"role": "user", "content": [TEXT, PICTURE]}]
    response = await made().generate_async(messages=messages, options={"rails": {"input": False}})
    assert response.response[0]["content"] == "no"
    with pytest.raises(ValueError, match="none under rails.output.flows"):
        await made().check_async(messages, rail_types=[RailType.OUTPUT])


async def test_a_judge_that_reads_text_alone_reads_it_as_before(made):
    rails = made({"content": "Is it harmful? {{ user_input }}"})
    answer = await rails.generate_async(messages=[{"role": "user", "content": [TEXT, PICTURE]}])
    assert answer["content"] == "It is a cat."
