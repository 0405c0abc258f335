"""The usual slips in calling Handrail get an error that names the call to write."""

from __future__ import annotations

import math

import pytest
from fakes import FakeProvider, words
from handrail import Chunk, GenerationOptions, LLMRails, RailsConfig, Registry
from handrail._call.options import parse_options
from handrail.errors import ConfigurationError, HandrailError, InvalidRequestError, PluginContractError


@pytest.fixture
def rails(guarded):
    return guarded(FakeProvider(words(3)), {}).rails


@pytest.mark.parametrize(
    ("config", "hint"), [("folder", "from_path"), ({"models": []}, "from_content"), (None, "from_path")]
)
def test_what_is_no_configuration_is_told_how_to_become_one(config, hint):
    with pytest.raises(TypeError, match=hint):
        LLMRails(config)


@pytest.mark.parametrize("name", ["yaml_content", "colang_content"])
@pytest.mark.parametrize("content", [{"models": []}, b"models: []", 3])
def test_a_content_that_is_no_text_is_told_which_argument_takes_it(name, content):
    with pytest.raises(TypeError, match=f"{name} must be text.*config="):
        RailsConfig.from_content(**{name: content})


@pytest.mark.parametrize("method", ["stream", "stream_async", "stream_events"])
async def test_a_loop_without_async_is_told_to_be_asynchronous(rails, method):
    with pytest.raises(TypeError, match="async for"):
        list(getattr(rails, method)("hello"))


@pytest.mark.parametrize("method", ["stream", "stream_events", "feed"])
async def test_a_block_without_async_is_told_to_be_asynchronous(rails, method):
    with pytest.raises(TypeError, match="async with"), getattr(rails, method)("hello"):
        pass


@pytest.mark.parametrize("method", ["stream", "stream_async", "stream_events", "feed"])
async def test_an_empty_conversation_is_refused_by_streams(rails, method):
    with pytest.raises(InvalidRequestError, match="'messages' is empty"):
        getattr(rails, method)(messages=[])


@pytest.mark.parametrize("method", ["generate_async", "check_async"])
async def test_an_empty_conversation_is_refused_by_calls(rails, method):
    with pytest.raises(InvalidRequestError, match="'messages' is empty"):
        await getattr(rails, method)(messages=[])


@pytest.mark.parametrize("texts", [["a", "b"], (text for text in "ab"), "ab"])
@pytest.mark.parametrize("method", ["stream", "stream_async", "stream_events"])
async def test_texts_that_are_not_asynchronous_are_refused_at_once(rails, method, texts):
    with pytest.raises(InvalidRequestError, match="async def"):
        getattr(rails, method)("hello", generator=texts)


@pytest.mark.parametrize("judge", ["", "  - {type: self_check_output, engine: opena1, model: m}\n"])
def test_a_model_with_a_problem_is_not_reported_as_missing(judge):
    yaml = (
        f"models:\n  - {{type: main, engine: opena1, model: m}}\n{judge}"
        "rails: {output: {flows: [self check output], streaming: {enabled: True}}}\n"
        "prompts: [{task: self_check_output, content: 'Block? {{ bot_response }}'}]\n"
    )
    with pytest.raises(ConfigurationError) as raised:
        LLMRails(RailsConfig.from_content(yaml_content=yaml))
    assert len(raised.value.problems) == yaml.count("opena1")
    assert all("unknown engine 'opena1'" in problem for problem in raised.value.problems)


def judged(types):
    models = "".join(f"  - {{type: {type_}, engine: scripted, parameters: {{answers: ['No']}}}}\n" for type_ in types)
    return RailsConfig.from_content(
        yaml_content=f"models:\n{models}"
        "rails: {output: {flows: [self check output], streaming: {enabled: True}}}\n"
        "prompts: [{task: self_check_output, content: 'Block? {{ bot_response }}'}]\n"
    )


@pytest.mark.parametrize("wrong", ["self_check_ouput", "selfcheck_output", "self-check-output"])
def test_a_judge_whose_type_is_misspelt_is_an_error_and_not_the_main_model(wrong):
    with pytest.raises(ConfigurationError, match=r"asks for 'self_check_output'.* did you mean") as raised:
        LLMRails(judged(["main", wrong]))
    assert raised.value.problems[0].startswith("yaml_content:3:")


@pytest.mark.parametrize("other", ["embeddings", "self_check_input", "self_check_facts"])
def test_a_model_for_something_else_is_no_misspelt_judge(other):
    asked = LLMRails(judged(["main", other])).composition.asked
    assert asked == (("self check output", "self_check_output"),)


@pytest.mark.parametrize("direction", ["Input", "inputs", None])
def test_a_rail_for_no_direction_is_refused_and_does_not_guard_the_answer_instead(rails, direction):
    with pytest.raises(ConfigurationError, match="must be 'input' or 'output'"):
        rails.register_rail("mine", lambda text: True, direction=direction)


def test_a_rail_without_a_name_is_refused(rails):
    with pytest.raises(ConfigurationError, match="it is empty"):
        rails.register_rail(" ", lambda text: True)


@pytest.mark.parametrize(
    "options",
    [
        GenerationOptions(rails=3),
        GenerationOptions(rails={"output": 3}),
        GenerationOptions(rails={"ouput": False}),
        GenerationOptions(llm_params=3),
        GenerationOptions(log=3),
    ],
)
async def test_options_of_a_program_are_checked_as_those_of_its_callers_are(rails, options):
    with pytest.raises(InvalidRequestError, match="options"):
        await rails.generate_async("hello", options=options)


@pytest.mark.parametrize("drain", ["5", True, math.nan])
async def test_a_time_that_is_none_closes_nothing(rails, drain):
    with pytest.raises(InvalidRequestError, match="'drain'"):
        await rails.aclose(drain=drain)
    assert await rails.generate_async("hello")


@pytest.mark.parametrize("directions", [3, "output", ["sideways"], [["output"]], [{}]])
async def test_directions_that_are_no_list_are_refused(rails, directions):
    with pytest.raises(InvalidRequestError, match="must be a list"):
        await rails.check_async([{"role": "user", "content": "hello"}], directions)


async def test_directions_that_can_be_iterated_over_once_are_checked(rails):
    """They were used up by looking whether they are right, and then no rail was asked: it passed."""
    rails.register_rail("never", lambda text: False, direction="output")
    answer = [{"role": "assistant", "content": "hello"}]
    assert (await rails.check_async(answer, iter(["output"]))).status == "blocked"


@pytest.mark.parametrize("caller_may", ["rails and log", 3])
def test_what_callers_may_set_is_no_text(rails, caller_may):
    with pytest.raises(TypeError, match="caller_may takes a list"):
        LLMRails(rails.config, caller_may=caller_may)


def test_a_configuration_plus_something_else_is_told_in_pythons_own_words(rails):
    with pytest.raises(TypeError, match="unsupported operand"):
        rails.config + "folder"


@pytest.mark.parametrize(
    ("call", "instead"),
    [
        (lambda rails: rails.generate("hello"), "generate_async"),
        (lambda rails: list(rails.stream_sync("hello")), "stream_async"),
        (lambda rails: rails.check([{"role": "user", "content": "hello"}]), "check_async"),
        (lambda rails: rails.close(), "aclose"),
    ],
)
async def test_a_synchronous_form_in_a_loop_names_the_one_that_there_is(rails, call, instead):
    with pytest.raises(RuntimeError, match=rf"inside a running event loop; (await|iterate over) {instead}\(\) there$"):
        call(rails)
    assert callable(getattr(rails, instead))


@pytest.mark.parametrize("registry", [3, [], Registry])
def test_what_is_no_registry_is_told_how_to_make_one(registry):
    with pytest.raises(TypeError, match=r"Registry\.discover\(\)\.with_plugins"):
        LLMRails(RailsConfig.from_content(config={"models": []}), registry=registry)


@pytest.mark.parametrize("only", ["cli", 3])
def test_plugins_to_discover_are_a_list(only):
    with pytest.raises(TypeError, match=r"only takes a list of names of plugins, such as \['cli'\]"):
        Registry.discover(only=only)


@pytest.mark.parametrize("path", [3, None, {"models": []}, b"folder", ["folder"]])
def test_what_is_no_path_is_told_what_takes_it(path):
    with pytest.raises(TypeError, match=r"from_path takes a path, .* from_content\(config=\.\.\.\)"):
        RailsConfig.from_path(path)


@pytest.mark.parametrize("seconds", [10**400, -(10**400), 10**16])
async def test_a_time_beyond_any_clock_is_refused(rails, seconds):
    with pytest.raises(InvalidRequestError, match="more seconds than any clock counts"):
        await rails.generate_async("hello", timeout=seconds)
    with pytest.raises(InvalidRequestError, match="more seconds than any clock counts"):
        await rails.aclose(drain=seconds)


@pytest.mark.parametrize("chunk", [Chunk(text=3), Chunk(text=b"x"), Chunk(text=None), Chunk(reasoning=3)])
async def test_a_pushed_chunk_has_texts(rails, chunk):
    async with rails.feed("hello") as guard:
        with pytest.raises(PluginContractError, match="it must be a text"):
            await guard.push(chunk)
        await guard.push("so")
        await guard.finish()
    assert guard.response.text == "so"


async def test_the_metadata_of_a_chunk_are_a_mapping(guarded):
    rails = guarded(FakeProvider([Chunk(text="a", metadata=3)]), {}).rails
    with pytest.raises(PluginContractError, match="a int as metadata, not a mapping"):
        await rails.generate_async("hello")


LONG = "z\x1b[2J" * 200_000


@pytest.mark.parametrize(
    "slip",
    [
        lambda: LLMRails(RailsConfig.from_content(config={"models": [{"type": "main", "engine": LONG}]})),
        lambda: LLMRails(RailsConfig.from_content(config={"rails": {"input": {"flows": [LONG]}}})),
        lambda: parse_options({LONG: 1}),
        lambda: parse_options({"rails": [LONG]}),
        lambda: RailsConfig.from_path(LONG),
        lambda: Registry.discover(only=[LONG]),
    ],
)
def test_a_name_that_is_unknown_is_not_repeated_whole(slip):
    with pytest.raises(HandrailError) as caught:
        slip()
    assert len(str(caught.value)) < 3_000
    assert "\x1b" not in str(caught.value)
