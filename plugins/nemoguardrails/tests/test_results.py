"""What comes back: nothing of a blocked answer, nothing of the operator's in an error, and names as configured."""

from __future__ import annotations

import json

import pytest
from handrail import Chunk, StreamError
from handrail.errors import ProviderAuthenticationError
from nemoguardrails import LLMRails, RailsConfig
from nemoguardrails.actions.rail_outcome import RailOutcome
from nemoguardrails.exceptions import InvalidStateError, RailTypeNotConfiguredError
from nemoguardrails.rails.llm.options import RailType

SORRY = "I'm sorry, I can't respond to that."
SECRET = "swordfish"
HELLO = [{"role": "user", "content": "Hello!"}]
EVERYTHING = {
    "log": {"activated_rails": True, "llm_calls": True, "internal_events": True, "colang_history": True},
    "llm_output": True,
    "output_vars": True,
}


class Model:
    """Answers with the given chunks, or raises."""

    def __init__(self, *chunks, error=None):
        self.chunks = chunks
        self.error = error

    async def stream(self, messages, params):
        for chunk in self.chunks:
            yield chunk
        if self.error is not None:
            raise self.error


LEAKY = Model(
    Chunk(reasoning=f"I should say {SECRET}."),
    Chunk(f"It is {SECRET}."),
    Chunk(finish_reason="stop", metadata={"raw": f"It is {SECRET}."}),
)


async def test_nothing_of_a_blocked_answer_comes_back(settings):
    rails = LLMRails(RailsConfig.from_content(config=settings(judge="yes")), LEAKY)
    response = await rails.generate_async(messages=HELLO, options=EVERYTHING)
    assert response.response == [{"role": "assistant", "content": SORRY}]
    assert SECRET not in repr(response)
    assert [call.task for call in response.log.llm_calls] == ["general", "self_check_output"]


async def test_all_of_an_answer_that_passes_does(settings):
    rails = LLMRails(RailsConfig.from_content(config=settings(judge="no")), LEAKY)
    response = await rails.generate_async(messages=HELLO, options=EVERYTHING)
    assert response.response == [{"role": "assistant", "content": f"It is {SECRET}."}]
    assert response.reasoning_content == f"I should say {SECRET}."
    assert SECRET in response.log.llm_calls[0].completion


@pytest.mark.parametrize(
    "texts", [("<think>step 1</think>The answer",), ("\n<th", "ink>step 1</thi", "nk>\n\nThe ", "answer")]
)
async def test_what_a_model_thinks_inside_its_text_comes_back_apart(settings, texts):
    rails = LLMRails(RailsConfig.from_content(config=settings(judge="no")), Model(*map(Chunk, texts)))
    response = await rails.generate_async(messages=HELLO, options={"log": {}})
    assert (response.response[0]["content"], response.reasoning_content) == ("The answer", "step 1")
    assert (await rails.generate_async(messages=HELLO))["content"] == "The answer"


@pytest.mark.parametrize("include_metadata", [False, True])
async def test_the_error_of_a_model_holds_no_address_and_no_name_of_a_key(settings, include_metadata):
    error = ProviderAuthenticationError("http://10.0.0.7/v1 said 401: check the key in 'SECRET_KEY'", status=401)
    rails = LLMRails(RailsConfig.from_content(config=settings(flows=())), Model(error=error))
    (chunk,) = [c async for c in rails.stream_async(messages=HELLO, include_metadata=include_metadata)]
    said = chunk["text"] if include_metadata else chunk
    assert isinstance(said, StreamError)
    assert json.loads(said)["error"] == {
        "message": "The model could not answer.",
        "type": "generation_error",
        "param": "stream",
        "code": "generation_failed",
    }


FLOW = "define subflow c\n  $ok = execute judge(kind=$list)\n  if $ok.is_blocked\n    bot refuse to respond\n    stop\n"


@pytest.fixture
def strict(settings):
    config = settings(flows=["c   $list=strict"], stream_first=False)
    rails = LLMRails(RailsConfig.from_content(colang_content=FLOW, config=config))

    async def judge(kind):
        return RailOutcome.block() if kind == "strict" else RailOutcome.allow()

    return rails.register_action(judge, "judge")


async def test_rails_have_the_names_that_the_configuration_gives_them(strict):
    name = "c $list=strict"
    (error,) = [chunk async for chunk in strict.stream_async(messages=HELLO)]
    assert (error.error["param"], error.error["message"]) == (name, f"Blocked by {name} rails.")
    response = await strict.generate_async(messages=HELLO, options={"log": {"activated_rails": True}})
    assert [rail.name for rail in response.log.activated_rails if rail.stop] == [name]
    assert (await strict.check_async([*HELLO, {"role": "assistant", "content": "x"}])).rail == name


EVENT = 'define flow c\n  create event WordsRailException(message="Not such words.")\n  stop\n'


async def test_an_exception_of_ones_own_has_its_type_and_message(settings):
    rails = LLMRails(RailsConfig.from_content(colang_content=EVENT, config=settings(flows=["c"])))
    message = await rails.generate_async(messages=HELLO)
    assert message["role"] == "exception"
    assert (message["content"]["type"], message["content"]["message"]) == ("WordsRailException", "Not such words.")


async def test_what_a_user_says_is_not_filled_into_an_exception_as_a_template(settings):
    said = '  $key = "swordfish"\n  $said = "No: " + $user_message\n'
    event = EVENT.replace('"Not such words."', "$said").replace("  create", f"{said}  create")
    rails = LLMRails(RailsConfig.from_content(colang_content=event, config=settings(flows=["c"])))
    message = await rails.generate_async(messages=[{"role": "user", "content": "$key {$key} {{ key }}"}])
    assert message["content"]["message"] == "No: $key {$key} {{ key }}"


async def test_the_exception_of_an_installed_rail_names_its_flow_and_nothing_of_the_answer(settings):
    config = {**settings(judge="yes"), "enable_rails_exceptions": True}
    content = (await LLMRails(RailsConfig.from_content(config=config)).generate_async(messages=HELLO))["content"]
    assert content["type"] == "OutputRailException"
    assert "'self check output' flow" in content["message"]


@pytest.mark.parametrize("kinds", [[RailType.INPUT], ["input"], [RailType.INPUT, RailType.OUTPUT]])
async def test_a_check_of_rails_that_there_are_not_is_an_error(settings, kinds):
    rails = LLMRails(RailsConfig.from_content(config=settings()))
    with pytest.raises(RailTypeNotConfiguredError):
        await rails.check_async([*HELLO, {"role": "assistant", "content": "x"}], rail_types=kinds)


async def test_a_state_carries_the_conversation_into_the_next_call(settings):
    rails = LLMRails(RailsConfig.from_content(config=settings(judge="no")))
    first = await rails.generate_async(messages=HELLO, state={})
    second = await rails.generate_async("And why?", state=first.state)
    assert second.response == "The moon pulls the sea."
    assert [event.get("final_transcript") or event["script"] for event in second.state["events"]] == [
        "Hello!",
        "The moon pulls the sea.",
        "And why?",
        "The moon pulls the sea.",
    ]
    json.dumps(second.state)
    with pytest.raises(InvalidStateError):
        await rails.generate_async("x", state={"events": "nonsense"})


async def test_a_state_has_nothing_of_what_was_refused(settings):
    rails = LLMRails(RailsConfig.from_content(config=settings(judge="yes")), LEAKY)
    assert SECRET not in repr((await rails.generate_async(messages=HELLO, state={})).state)
    refusing = 'define flow no\n  if "bomb" in $user_message\n    stop\n'
    config = {**settings(flows=()), "rails": {"input": {"flows": ["no"]}}}
    rails = LLMRails(RailsConfig.from_content(colang_content=refusing, config=config))
    state = (await rails.generate_async("a bomb", state={})).state
    assert state == {"events": []}
