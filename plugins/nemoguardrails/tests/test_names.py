"""The names that public code imports are there, and do what they are imported for."""

from __future__ import annotations

import importlib
import logging
import sys

import pytest
from handrail import ConfigurationError
from handrail.errors import InvalidRequestError, ProviderBadRequestError
from handrail_colang import ActionModel
from nemoguardrails import LLMRails, RailsConfig
from nemoguardrails.integrations.langchain.llm_adapter import LangChainLLMAdapter
from nemoguardrails.integrations.langchain.runnable_rails import RunnableRails
from nemoguardrails.llm.params import llm_params
from nemoguardrails.llm.taskmanager import LLMTaskManager
from nemoguardrails.llm.types import Task
from nemoguardrails.logging.verbose import set_verbose
from nemoguardrails.types import (
    ChatMessage,
    LLMModel,
    LLMResponse,
    LLMResponseChunk,
    ToolCall,
    ToolCallFunction,
    UsageInfo,
)
from nemoguardrails.utils import new_event_dict

SAYS = "The moon pulls the sea."
HELLO = [{"role": "user", "content": "Hello!"}]
NAMES = """
nemoguardrails: ChatMessage Guardrails LLMModel LLMRails LLMResponse LLMResponseChunk RailsConfig Role register_provider
nemoguardrails: ToolCall ToolCallFunction UsageInfo
nemoguardrails.actions: ActionResult action
nemoguardrails.actions.llm.utils: get_colang_history get_last_user_utterance llm_call llm_call_info_var strip_quotes
nemoguardrails.actions.llm.utils: LLMCallException get_multiline_response warn_if_truncated
nemoguardrails.context: generation_options_var llm_call_info_var streaming_handler_var
nemoguardrails.exceptions: ConfigurationError InvalidStateError LLMCallException RailTypeNotConfiguredError
nemoguardrails.exceptions: LLMResponseValidationError
nemoguardrails.guardrails.guardrails: Guardrails
nemoguardrails.guardrails.iorails: IORails
nemoguardrails.kb.kb: KnowledgeBase
nemoguardrails.llm.call: llm_call warn_if_truncated
nemoguardrails.llm.output_parsers: is_content_safe
nemoguardrails.llm.providers: get_provider_names register_chat_provider register_llm_provider register_provider
nemoguardrails.llm.taskmanager: LLMTaskManager Task
nemoguardrails.logging.explain: ExplainInfo LLMCallInfo
nemoguardrails.logging.verbose: set_verbose
nemoguardrails.rails.llm.config: InputRails Instruction Model OutputRails Rails RailsConfig TaskPrompt
nemoguardrails.testing: FakeLLMModel TestChat
nemoguardrails.testing.fake_model: FakeLLMModel
nemoguardrails.utils: new_event_dict new_uuid
"""


@pytest.mark.parametrize("line", NAMES.strip().splitlines())
def test_a_module_has_its_names(line):
    module, _, names = line.partition(": ")
    assert not [name for name in names.split() if not hasattr(importlib.import_module(module), name)]


@pytest.mark.parametrize(
    ("statement", "advice"),
    [
        ("from nemoguardrails.context import tool_calls_var", "read tool_calls of the response"),
        ("from nemoguardrails.context import tool_cals_var", "cannot import name 'tool_cals_var'"),
        ("from nemoguardrails.embeddings.basic import BasicEmbeddingsIndex", "embeddings is not part of Handrail"),
        ("import nemoguardrails.library.self_check", "name the rail in rails.input.flows"),
        ("from nemoguardrails.server.api import app", "create_app"),
        ("from nemoguardrails.utils import get_or_create_event_loop", "asyncio.run"),
        ("from nemoguardrails.colang import parse_colang_file", "RailsConfig reads Colang"),
    ],
)
def test_the_import_of_what_is_not_here_says_what_to_use(statement, advice):
    with pytest.raises(ImportError, match=advice):
        exec(statement)


async def test_an_action_sees_the_options_of_its_call(settings):
    from nemoguardrails.context import generation_options_var

    seen = []

    async def self_check_output():
        seen.append(generation_options_var.get())
        return True

    rails = LLMRails(RailsConfig.from_content(config=settings()))
    rails.register_action(self_check_output)
    await rails.generate_async("?", options={"llm_params": {"temperature": 0.5}})
    await rails.generate_async("?")
    assert [options and options.llm_params for options in seen] == [{"temperature": 0.5}, None]


@pytest.fixture
def config(settings):
    return RailsConfig.from_content(config=settings(judge="no"))


class Model:
    """A model of the interface `LLMModel`."""

    model_name, provider_name, provider_url = "own", "own", None

    def __init__(self):
        self.asked = []
        self.closed = False

    async def generate_async(self, prompt, *, stop=None, **params):
        self.asked.append((prompt, stop, params))
        call = ToolCall("1", function=ToolCallFunction("look", {"at": "sea"}))
        return LLMResponse("own words", "hm", [call], usage=UsageInfo(3, 4, 7), provider_metadata={"seed": 5})

    async def stream_async(self, prompt, *, stop=None, **params):
        self.asked.append((prompt, stop, params))
        try:
            yield LLMResponseChunk(delta_reasoning="hm")
            yield LLMResponseChunk(delta_content="own ")
            yield LLMResponseChunk(delta_content="words")
            call = ToolCall("1", function=ToolCallFunction("look", {"at": "sea"}))
            yield LLMResponseChunk(delta_tool_calls=[call], usage=UsageInfo(3, 4, 7), finish_reason="tool_calls")
        finally:
            self.closed = True


async def test_a_model_of_the_published_interface_is_a_model(config):
    model = Model()
    assert isinstance(model, LLMModel)
    rails = LLMRails(config, model)
    options = {"llm_params": {"stop": ["x"], "temperature": 0}, "log": {"llm_calls": True}, "rails": {"output": False}}
    said = await rails.generate_async(messages=[{"role": "system", "content": "Be brief."}, *HELLO], options=options)
    assert said.response[0]["content"] == "own words"
    assert said.reasoning_content == "hm"
    assert said.tool_calls[0]["function"] == {"name": "look", "arguments": {"at": "sea"}}
    assert said.llm_metadata["seed"] == 5
    general = said.log.llm_calls[0]
    assert (general.prompt_tokens, general.completion_tokens) == (3, 4)
    ((prompt, stop, params),) = model.asked
    assert [message.to_dict()["role"] for message in prompt] == ["system", "user"]
    assert (stop, params) == (["x"], {"temperature": 0})


async def test_such_a_model_is_asked_for_a_stream_where_one_is_wanted(config):
    model = Model()
    options = {"rails": {"output": False}}
    assert [text async for text in LLMRails(config, model).stream_async("Hi", options=options)] == ["own ", "words"]
    assert model.closed


@pytest.mark.parametrize("given", [{"at": 1}, '{"at": 1}'])
async def test_such_a_model_gets_the_tool_calls_of_the_history_decoded(config, given):
    model = Model()
    call = {"id": "1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}
    history = [*HELLO, {"role": "assistant", "content": None, "tool_calls": [call]}]
    call["function"]["arguments"] = given
    answer = {"role": "tool", "content": "wet", "tool_call_id": "1"}
    await LLMRails(config, model).generate_async(messages=[*history, answer])
    assert model.asked[0][0][1].tool_calls[0].function.arguments == {"at": 1}
    call["function"]["arguments"] = "{"
    with pytest.raises(ProviderBadRequestError, match="not valid JSON"):
        await LLMRails(config, model).generate_async(messages=[*history, answer])


def test_a_message_goes_there_and_back():
    message = {"role": "tool", "content": "x", "tool_call_id": "1"}
    assert ChatMessage.from_dict(message).to_dict() == message


async def test_rails_are_a_step_of_a_chain_in_the_form_of_its_input(config):
    step = RunnableRails(config)
    assert await step.ainvoke("Hello!") == SAYS
    assert await step.ainvoke({"input": "Hello!", "topic": "tides"}) == {"output": SAYS}
    assert "".join([text async for text in step.astream("Hello!")]) == SAYS
    with pytest.raises(InvalidRequestError, match="the input has no 'input'; it has 'question'"):
        await step.ainvoke({"question": "x"})
    with pytest.raises(InvalidRequestError, match="which is no message"):
        await step.ainvoke([object()])


def test_so_they_are_where_nothing_is_asynchronous(config):
    step = RunnableRails(config)
    assert step.invoke("Hello!") == SAYS
    assert "".join(step.stream("Hello!")) == SAYS


class LangChainModel:
    """A model with what a chain asks of one."""

    _llm_type = "own"

    async def astream(self, messages, **params):
        yield "the model "
        yield "says so"


async def test_a_model_after_rails_is_the_model_that_they_guard(config):
    assert await (RunnableRails(config) | LangChainModel()).ainvoke("Hello!") == "the model says so"
    assert await LLMRails(config, LangChainLLMAdapter(LangChainModel())).generate_async("Hello!") == "the model says so"


async def test_a_model_of_langchain_in_its_shell_has_the_published_interface():
    shell = LangChainLLMAdapter(LangChainModel())
    assert isinstance(shell, LLMModel)
    assert shell.model_name == "LangChainModel"
    assert (await shell.generate_async("Hello!")).content == "the model says so"
    assert [chunk.delta_content async for chunk in shell.stream_async([ChatMessage.from_user("Hello!")])][:2] == [
        "the model ",
        "says so",
    ]


async def test_tool_calls_of_a_model_in_its_shell_come_whole():
    class Calls(LangChainModel):
        async def astream(self, messages, **params):
            yield Piece([{"index": 0, "id": "1", "name": "look", "args": '{"at": '}])
            yield Piece([{"index": 0, "id": None, "name": None, "args": '"moon"}'}])

    class Piece:
        content, usage_metadata, response_metadata, additional_kwargs = "", None, {}, {}

        def __init__(self, chunks):
            self.tool_call_chunks = chunks

    answer = await LangChainLLMAdapter(Calls()).generate_async("Hello!", stop=["x"])
    assert answer.tool_calls == [ToolCall("1", function=ToolCallFunction("look", {"at": "moon"}))]


async def test_what_comes_in_as_dictionaries_goes_out_as_one(config):
    rails = RunnableRails(config) | LangChainModel()
    said = await rails.ainvoke({"input": [{"role": "user", "content": "Hello!"}]})
    assert said == {"output": {"role": "assistant", "content": "the model says so"}}


async def test_variables_beside_the_input_are_set():
    colang = 'define subflow r\n  if $who == "sam"\n    bot refuse to respond\n    stop\n'
    config = RailsConfig.from_content(colang, config={"models": [], "rails": {"input": {"flows": ["r"]}}})
    rails = RunnableRails(config) | LangChainModel()
    for given in ({"who": "sam"}, {"context": {"who": "sam"}}):
        assert (await rails.ainvoke({"input": "Hello!", **given}))["output"] == "I'm sorry, I can't respond to that."


def test_a_chain_needs_langchain(config, monkeypatch):
    monkeypatch.setitem(sys.modules, "langchain_core", None)
    monkeypatch.setattr("nemoguardrails.integrations.langchain.runnable_rails._Runnable", object)
    with pytest.raises(InvalidRequestError, match="pip install langchain-core"):
        RunnableRails(config) | str


async def test_an_action_asks_with_other_parameters_inside_a_with(config, settings):
    seen = []

    async def judge(llm, llm_task_manager):
        assert isinstance(llm, ActionModel)
        with llm_params(llm, temperature=0.5):
            seen.append(dict(llm.params))
            answer = await llm.ainvoke(
                llm_task_manager.render_task_prompt(Task.SELF_CHECK_OUTPUT, {"bot_response": "x"})
            )
        seen.append(dict(llm.params))
        return answer.content == "no"

    colang = "define flow own\n  $ok = execute self_check_output\n  if not $ok\n    bot refuse to respond\n    stop\n"
    made = LLMRails(RailsConfig.from_content(colang_content=colang, config=settings(flows=["own"], judge="no")))
    made.register_action(judge, "self_check_output")
    assert await made.generate_async("Hello!") == SAYS
    assert seen == [{"temperature": 0.5}, {}]


def test_other_models_get_their_attributes_back():
    class Llm:
        temperature = 1

    model = Llm()
    with llm_params(model, temperature=0):
        assert model.temperature == 0
    assert model.temperature == 1
    with pytest.raises(AttributeError), llm_params(model, nothing=0):
        pass


def test_the_task_manager_renders_prompts(config):
    manager = LLMTaskManager(config)
    assert manager.render_task_prompt(Task.SELF_CHECK_OUTPUT, {"bot_response": "x"}).endswith("yes or no. x")
    (message,) = manager.render_task_prompt("self_check_output", {"bot_response": "x"}, force_string_to_message=True)
    assert message["role"] == "user"
    assert not manager.has_output_parser("self_check_output")


async def test_what_was_said_is_told_in_colangs_form(config):
    rails = LLMRails(config)
    await rails.generate_async("Hello!")
    assert rails.explain().colang_history == f'user "Hello!"\n  "{SAYS}"\n'
    assert len(rails.explain().llm_calls) == 2


def test_filters_for_prompts_are_refused(config):
    with pytest.raises(ConfigurationError, match="the filter 'upper' is not supported"):
        LLMRails(config).register_filter(str.upper)


def test_an_event_has_its_type_an_identifier_and_the_time():
    event = new_event_dict("Ping", level=1)
    assert (event["type"], event["level"]) == ("Ping", 1)
    assert event["uid"] != new_event_dict("Ping")["uid"]


def test_a_configuration_has_the_attributes_that_existing_code_reads(tmp_path):
    (tmp_path / "config.yml").write_text("models: []", "utf-8")
    config = RailsConfig.from_path(tmp_path)
    assert config.config_path == str(tmp_path)
    assert config.streaming_supported
    assert config.passthrough


def test_more_is_logged_where_that_is_wanted():
    before = logging.getLogger("handrail").level
    try:
        set_verbose(True)
        assert logging.getLogger("handrail").level == logging.DEBUG
        set_verbose(False)
        assert logging.getLogger("handrail").level == logging.WARNING
    finally:
        logging.getLogger("handrail").setLevel(before)
