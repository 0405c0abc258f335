from __future__ import annotations

import logging
import pickle

import pytest
from handrail import ConfigurationError, StreamError
from nemoguardrails import Guardrails, LLMRails, RailsConfig
from nemoguardrails.exceptions import RailTypeNotConfiguredError
from nemoguardrails.llm.providers import get_llm_provider_names, register_chat_provider, register_llm_provider
from nemoguardrails.rails.llm.options import GenerationLogOptions, GenerationOptions, RailStatus, RailType
from nemoguardrails.streaming import StreamingHandler
from nemoguardrails.testing import FakeLLMModel

BLOCKED = "I'm sorry, I can't respond to that."
HELLO = [{"role": "user", "content": "Hello!"}]


@pytest.fixture
def rails(settings):
    return LLMRails(RailsConfig.from_content(config=settings()))


@pytest.fixture
def blocking(settings):
    def make(**streaming):
        return LLMRails(RailsConfig.from_content(config=settings(judge="yes", **streaming)))

    return make


async def collect(stream):
    return [chunk async for chunk in stream]


def test_the_newer_name_takes_the_arguments_of_the_newer_class(settings):
    made = Guardrails(RailsConfig.from_content(config=settings()), use_iorails=True)
    assert isinstance(made, LLMRails)


async def test_the_shape_of_an_answer_follows_the_question(rails):
    assert await rails.generate_async("Hello!") == "The moon pulls the sea."
    assert await rails.generate_async(messages=HELLO) == {"role": "assistant", "content": "The moon pulls the sea."}
    response = await rails.generate_async(messages=HELLO, state={})
    assert response.response == [{"role": "assistant", "content": "The moon pulls the sea."}]
    assert response.log is None


async def test_a_prompt_and_messages_exclude_one_another(rails):
    with pytest.raises(ValueError, match="prompt"):
        await rails.generate_async("Hello!", messages=HELLO)


async def test_options_may_be_objects(rails):
    options = GenerationOptions(
        log=GenerationLogOptions(activated_rails=True, llm_calls=True), rails=["output", "dialog"]
    )
    response = await rails.generate_async("Hello!", options=options)
    assert [rail.name for rail in response.log.activated_rails] == ["generate user intent", "self check output"]
    assert [call.task for call in response.log.llm_calls] == ["general", "self_check_output"]
    assert response.log.stats.llm_calls_count == 2
    assert response.model_dump()["response"] == "The moon pulls the sea."


async def test_an_option_that_nobody_knows_is_refused(rails):
    with pytest.raises(ValueError, match=r"options\.lgo"):
        await rails.generate_async("Hello!", options={"lgo": {}})


async def test_without_dialog_nothing_is_generated(blocking):
    rails = blocking()
    talk = [*HELLO, {"role": "assistant", "content": "Hi"}]
    options = {"rails": ["output"], "log": {"activated_rails": True}}
    response = await rails.generate_async(messages=talk, options=options)
    assert response.response == [{"role": "assistant", "content": BLOCKED}]
    assert [(rail.name, rail.stop) for rail in response.log.activated_rails] == [("self check output", True)]
    assert (await rails.generate_async("Hello!", options={"rails": ["input"]})).response == "Hello!"


async def test_a_check_gives_a_status(blocking):
    talk = [*HELLO, {"role": "assistant", "content": "Hi"}]
    result = await blocking().check_async(talk, rail_types=[RailType.OUTPUT])
    assert (result.status, result.content, result.rail) == (RailStatus.BLOCKED, BLOCKED, "self check output")
    with pytest.raises(RailTypeNotConfiguredError, match="none under rails.input.flows"):
        await blocking().check_async(talk, rail_types=[RailType.INPUT])


async def test_text_goes_out_first_unless_the_configuration_says_otherwise(blocking, caplog):
    with caplog.at_level(logging.WARNING):
        *texts, error = await collect(blocking().stream_async("Hello!"))
    assert "".join(texts) == "The moon pulls the sea."
    assert isinstance(error, StreamError)
    assert "stream_first is not set, so it is true" in caplog.text
    caplog.clear()
    assert [chunk.error["code"] for chunk in await collect(blocking(stream_first=False).stream_async("Hello!"))] == [
        "content_blocked"
    ]
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_that_text_goes_out_first_is_said_once_for_each_object(blocking, caplog):
    with caplog.at_level(logging.WARNING):
        rails = blocking()
        for _ in range(3):
            await collect(rails.stream_async("Hello!"))
        await rails.generate_async("Hello!")
    assert caplog.text.count("stream_first is not set") == 1


def test_adding_configurations_keeps_what_one_of_them_sets(settings):
    first = RailsConfig.from_content(config=settings(stream_first=False))
    second = RailsConfig.from_content(config={"custom": 1})
    assert not (first + second).rails.output.streaming.stream_first
    assert not (second + first).rails.output.streaming.stream_first
    assert (second + second).rails.output.streaming.stream_first
    assert (first + second).custom_data == {"custom": 1}


async def test_metadata_has_the_tokens(rails):
    *texts, last = await collect(rails.stream_async("Hello!", include_metadata=True))
    assert texts[0] == {"text": "The "}
    assert set(last["metadata"]["usage"]) == {"input_tokens", "output_tokens", "total_tokens"}
    with pytest.warns(DeprecationWarning, match="include_metadata"):
        stream = rails.stream_async("Hello!", include_generation_metadata=True)
    *_, last = await collect(stream)
    assert "generation_info" in last


@pytest.mark.filterwarnings("ignore:StreamingHandler is deprecated")
async def test_a_handler_gets_guarded_text(blocking):
    handler = StreamingHandler()
    assert await blocking(stream_first=False).generate_async("Hello!", streaming_handler=handler) == BLOCKED
    (chunk,) = [chunk async for chunk in handler]
    assert '"code": "content_blocked"' in chunk


@pytest.mark.filterwarnings("ignore:StreamingHandler is deprecated")
async def test_variables_and_the_log_come_back_beside_a_handler(settings):
    rails = LLMRails(RailsConfig.from_content(config=settings()))
    options = {"output_vars": ["bot_message", "name"], "log": {"activated_rails": True}}
    talk = [{"role": "context", "content": {"name": "Ann"}}, *HELLO]
    response = await rails.generate_async(messages=talk, options=options, streaming_handler=StreamingHandler())
    assert response.output_data == {"bot_message": "The moon pulls the sea.", "name": "Ann"}
    assert [rail.name for rail in response.log.activated_rails] == ["generate user intent", "self check output"]
    assert response.log.llm_calls is None


@pytest.mark.filterwarnings("ignore:StreamingHandler is deprecated")
async def test_a_handler_gets_the_whole_answer_where_streaming_is_not_enabled(settings):
    for judge, expected in (("no", "The moon pulls the sea."), ("yes", BLOCKED)):
        rails = LLMRails(RailsConfig.from_content(config=settings(judge=judge, enabled=False)))
        handler = StreamingHandler()
        await rails.generate_async("Hello!", streaming_handler=handler)
        assert [chunk async for chunk in handler] == [expected]


class Piece:
    def __init__(self, content, usage=None):
        self.content = content
        self.usage_metadata = usage


class ChatModel:
    """A model of LangChain's kind."""

    stream_usage = False

    def __init__(self, model="m", temperature=0.0):
        self.model_name = model

    async def astream(self, messages, **parameters):
        yield Piece(f"{self.model_name}: ")
        yield Piece([{"type": "text", "text": messages[-1]["content"]}])
        yield Piece("", {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7})


async def test_a_model_of_langchain_may_be_passed():
    rails = LLMRails(RailsConfig.from_content(config={"models": []}), llm=ChatModel("chat"))
    response = await rails.generate_async("Hello!", options={"log": {"llm_calls": True}})
    assert response.response == "chat: Hello!"
    assert response.log.llm_calls[0].total_tokens == 7
    assert rails.llm.stream_usage
    assert await rails.update_llm(ChatModel("other")).generate_async("Hello!") == "other: Hello!"


def test_what_is_no_model_is_refused():
    with pytest.raises(ConfigurationError, match=r"'int'; it must have astream\(messages\)"):
        LLMRails(RailsConfig.from_content(config={"models": []}), llm=3)


@pytest.mark.usefixtures("nothing_registered")
async def test_a_registered_provider_is_an_engine():
    register_llm_provider("mine", ChatModel)
    assert "mine" in get_llm_provider_names()
    models = [{"type": "main", "engine": "mine", "model": "m", "parameters": {"temperature": 1.0}}]
    assert await LLMRails(RailsConfig.from_content(config={"models": models})).generate_async("Hi") == "m: Hi"


@pytest.mark.usefixtures("nothing_registered")
async def test_a_registered_provider_may_have_an_installed_name():
    register_chat_provider("openai", ChatModel)
    models = [{"type": "main", "engine": "openai", "model": "m"}]
    assert await LLMRails(RailsConfig.from_content(config={"models": models})).generate_async("Hi") == "m: Hi"


def test_names_are_where_existing_code_looks_for_them():
    from nemoguardrails.actions import ActionResult, action
    from nemoguardrails.actions.rail_outcome import RailOutcome
    from nemoguardrails.context import streaming_handler_var
    from nemoguardrails.exceptions import ConfigurationError, InvalidRailsConfigurationError
    from nemoguardrails.exceptions import StreamingNotSupportedError as FromExceptions
    from nemoguardrails.rails.llm.config import Model, OutputRailsStreamingConfig, TaskPrompt
    from nemoguardrails.rails.llm.llmrails import StreamingNotSupportedError

    assert issubclass(FromExceptions, InvalidRailsConfigurationError)
    assert issubclass(InvalidRailsConfigurationError, ConfigurationError)
    assert issubclass(ConfigurationError, ValueError)
    assert StreamingNotSupportedError is FromExceptions
    assert OutputRailsStreamingConfig().chunk_size == 200
    assert streaming_handler_var.get() is None
    assert all((ActionResult, action, RailOutcome, Model, TaskPrompt))


async def test_pickling_keeps_the_configuration_and_builds_the_rest_again(blocking):
    copy = pickle.loads(pickle.dumps(blocking()))  # noqa: S301  # its own
    assert await copy.generate_async(messages=HELLO) == {"role": "assistant", "content": BLOCKED}
    assert [call.task for call in copy.explain_info.llm_calls] == ["general", "self_check_output"]


async def test_rails_that_ask_the_main_model_ask_the_one_that_is_put_in_its_place(settings):
    values = settings(judge="unused")
    del values["models"][1]
    rails = LLMRails(RailsConfig.from_content(config=values))
    rails.update_llm(FakeLLMModel(["The new answer.", "no"]))
    assert await rails.generate_async("?") == "The new answer."
    assert [call.completion for call in rails.explain().llm_calls] == ["The new answer.", "no"]
