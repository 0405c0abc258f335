"""What code that was written for NVIDIA's package expects of records, configurations and test doubles."""

from __future__ import annotations

import pickle

import pytest
from nemoguardrails import LLMRails, RailsConfig
from nemoguardrails.rails.llm.config import Rails
from nemoguardrails.testing import FakeLLMModel
from nemoguardrails.types import LLMModel, LLMResponse, ToolCall, ToolCallFunction

HELLO = [{"role": "user", "content": "Hello!"}]
RAIL = """
define flow no secrets
  if "secret" in $bot_message
    bot refuse to respond
    stop
"""
GUARDED = "models: []\nrails: {output: {flows: [no secrets], streaming: {enabled: True}}}"


@pytest.fixture
def guarded():
    return lambda *answers: LLMRails(RailsConfig.from_content(RAIL, GUARDED), FakeLLMModel(answers))


async def test_the_log_names_a_generation_as_existing_code_looks_for_it(guarded):
    log = (await guarded("Fine.").generate_async(messages=HELLO, options={"log": {"activated_rails": True}})).log
    generation = log.activated_rails[0]
    assert (generation.type, generation.name) == ("generation", "generate user intent")
    assert generation.decisions == ["execute generate_user_intent"]
    assert [action.action_name for action in generation.executed_actions] == ["generate_user_intent"]


async def test_the_log_has_the_conversation_in_colangs_form_if_it_is_asked_for(guarded):
    asked = {"log": {"colang_history": True}}
    response = await guarded("Fine.").generate_async(messages=HELLO, options=asked)
    assert response.log.colang_history == 'user "Hello!"\n  "Fine."\n'


async def test_the_conversation_in_the_log_has_nothing_of_a_blocked_answer(guarded):
    asked = {"log": {"colang_history": True}}
    response = await guarded("The secret.").generate_async(messages=HELLO, options=asked)
    assert "secret" not in response.log.colang_history


def test_flows_of_a_configuration_equal_a_list():
    config = RailsConfig.from_content(RAIL, GUARDED)
    assert config.rails.output.flows == ["no secrets"]
    assert config.rails.output.flows == ("no secrets",)
    assert config.rails.output.flows != ["other"]
    assert config.rails.input.flows == []
    assert (config + config).rails.output.flows != []
    assert Rails().output.flows == []
    assert pickle.loads(pickle.dumps(config.rails.output.flows)) == ["no secrets"]  # noqa: S301  # its own


def test_flows_that_somebody_changes_say_what_to_do_instead():
    config = RailsConfig.from_content(RAIL, GUARDED)
    with pytest.raises(AttributeError, match="add one that has more flows"):
        config.rails.output.flows.append("another")
    with pytest.raises(AttributeError, match="'apend'$"):
        config.rails.output.flows.apend("another")


@pytest.mark.parametrize(
    ("name", "instead"),
    [("process_events", "generate_events"), ("events_history_cache", "state"), ("llm_generation_actions", "explain")],
)
def test_an_attribute_that_is_not_here_says_what_to_use_instead(guarded, name, instead):
    with pytest.raises(AttributeError, match=f"{name}.*{instead}"):
        getattr(guarded(), name)


def test_the_runtime_says_so_too_and_a_misspelt_name_is_an_ordinary_error(guarded):
    with pytest.raises(AttributeError, match="register_action"):
        _ = guarded().runtime.action_dispatcher
    with pytest.raises(AttributeError, match="'generat'$"):
        _ = guarded().generat


async def test_a_fake_model_answers_in_order_and_then_has_no_more():
    model = FakeLLMModel(responses=["first", "second"])
    assert isinstance(model, LLMModel)
    assert [(await model.generate_async("q")).content for _ in range(2)] == ["first", "second"]
    with pytest.raises(RuntimeError, match="No responses available"):
        await model.generate_async("q")


async def test_a_fake_model_is_guarded_as_any_other(guarded):
    assert "".join([chunk async for chunk in guarded("one two three").stream_async("Hi")]) == "one two three"
    assert "content_blocked" in [chunk async for chunk in guarded("a secret").stream_async("Hi")][-1]


async def test_a_fake_model_calls_tools_or_fails_as_told():
    call = ToolCall("1", function=ToolCallFunction("look", {"at": "moon"}))
    rails = LLMRails(
        RailsConfig.from_content(yaml_content="models: []"),
        FakeLLMModel(llm_responses=[LLMResponse("", tool_calls=[call])]),
    )
    response = await rails.generate_async("Hi", options={})
    assert response.tool_calls[0]["function"]["name"] == "look"
    with pytest.raises(RuntimeError, match="is down"):
        await FakeLLMModel(llm_exception=RuntimeError("is down")).generate_async("Hi")


def test_a_configuration_is_read_from_an_object():
    assert RailsConfig.parse_object({"models": [{"type": "main", "engine": "x", "model": "y"}]}).models[0].model == "y"
    assert RailsConfig.parse_object("models: []\ncompany: z").custom_data == {"company": "z"}


async def test_a_model_of_embeddings_is_not_needed(guarded):
    config = RailsConfig.from_content(
        yaml_content="models: [{type: embeddings, engine: FastEmbed, model: all-MiniLM-L6-v2}]"
    )
    assert await LLMRails(config, FakeLLMModel(["Fine."])).generate_async("?") == "Fine."


def test_a_configuration_says_what_users_and_the_bot_say():
    colang = 'define user greet\n  "hello"\n  "hey"\n\ndefine bot greet\n  "Good day."\n'
    config = RailsConfig.from_content(colang, config={"models": [], "bot_messages": {"part": ["Bye."]}})
    assert config.user_messages == {"greet": ["hello", "hey"]}
    assert config.bot_messages == {"part": ["Bye."], "greet": ["Good day."]}


async def test_a_dialog_may_be_a_list_of_steps():
    values = {
        "models": [],
        "user_messages": {"greet": ["hello there"]},
        "bot_messages": {"greet": ["Good day."]},
        "flows": [{"elements": [{"user": "greet"}, {"bot": "greet"}]}],
    }
    rails = LLMRails(RailsConfig.parse_object(values), FakeLLMModel([]))
    assert await rails.generate_async("hello there") == "Good day."


@pytest.mark.parametrize("flows", [["no secrets"], [{"elements": [{"any": "thing"}]}], [{"elements": []}]])
def test_flows_of_another_kind_are_refused(flows):
    with pytest.raises(ValueError, match="'flows' is not supported"):
        RailsConfig.parse_object({"models": [], "flows": flows})


def test_settings_of_rails_are_attributes_too():
    given = {"regex_detection": {"input": {"patterns": ["a.b"]}}, "own": {"list": [{"x": 1}]}}
    settings = RailsConfig.from_content(config={"models": [], "rails": {"config": given}}).rails.config
    assert settings == given
    assert settings.regex_detection.input.patterns == ["a.b"]
    assert settings.own.list[0].x == 1
    assert settings.own.nothing is None
    assert pickle.loads(pickle.dumps(settings)).own.list == [{"x": 1}]  # noqa: S301  # its own
