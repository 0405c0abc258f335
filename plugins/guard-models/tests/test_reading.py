"""Guard models in the rails: the parser that a prompt names, the model's own form, and settings."""

from __future__ import annotations

import pytest
from handrail import ConfigurationError, LLMRails, RailsConfig

REASONING = "Prompt harm: unharmful\nResponse harm: None"
QWEN = "Qwen/Qwen3Guard-Gen-4B"
MIDDLE = "Safety: Controversial\nCategories: Unethical Acts\nRefusal: No"
TALK = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}]
LYNX = "patronus lynx check output hallucination"


def guarded(answer, direction="output", *, model=None, prompt=None, section=None, key="content_safety"):
    """Make a configuration with one rail of content safety; `prompt` adds to its prompt, False leaves it out."""
    flow = f"content safety check {direction} $model=guard"
    asks = "Check {{ user_input }}" + (" {{ bot_response }}" if direction == "output" else "")
    prompts = [] if prompt is False else [{"task": flow.replace(" ", "_", 3), "content": asks, **(prompt or {})}]
    models = [
        {"type": "main", "engine": "scripted", "parameters": {"answers": ["x"]}},
        {
            "type": "guard",
            "engine": "scripted",
            "parameters": {"answers": [answer]},
            **({"model": model} if model else {}),
        },
    ]
    rails = {direction: {"flows": [flow]}, "config": {} if section is None else {key: section}}
    rails.setdefault("output", {})["streaming"] = {"enabled": True}
    return LLMRails(RailsConfig.from_content(config={"models": models, "prompts": prompts, "rails": rails}))


async def outcome(rails, direction="output"):
    result = await rails.check_async(TALK if direction == "output" else TALK[:1], [direction])
    return "failed" if result.failed else result.status


@pytest.mark.parametrize(
    ("parser", "answer", "expected"),
    [
        (None, "Harmful request: yes\nResponse refusal: yes\nHarmful response: no", "passed"),
        (None, "No", "passed"),
        (None, '{"blocked": false}', "passed"),
        (None, "It is fine.", "failed"),
        (None, "Safety: Safe\nCategories: None\nSafety Categories: Violence", "failed"),
        ("is_content_safe", "safe", "passed"),
        ("is_content_safe", "User Safety: unsafe\nResponse Safety: safe", "passed"),
        ("llama_guard", "safe", "passed"),
        ("llama_guard", "No", "failed"),
        ("qwen3guard", "safe", "failed"),
        ("yes_allows", "yes", "passed"),
        ("nemoguard_parse_response_safety", '{"User Safety": "unsafe", "Response Safety": "safe"}', "passed"),
        ("nemotron_content_safety_parse_response_safety", "User Safety: unsafe\nResponse Safety: safe", "passed"),
        ("nemotron_reasoning_parse_response_safety", "Prompt harm: harmful\nResponse harm: unharmful", "passed"),
        ("nemotron_reasoning_parse_response_safety", "No", "failed"),
        ("nemotron_35_parse_response_safety", "User Safety: safe\nResponse Safety: unsafe", "blocked"),
    ],
)
async def test_the_parser_that_a_prompt_names_reads_the_answer(parser, answer, expected):
    assert await outcome(guarded(answer, prompt={"output_parser": parser})) == expected


async def test_a_model_that_is_known_is_read_as_its_card_says_and_not_otherwise():
    assert await outcome(guarded("Safety: Safe\nCategories: None\nRefusal: No", model=QWEN)) == "passed"
    assert await outcome(guarded("No", model=QWEN)) == "failed"


@pytest.mark.parametrize(
    ("direction", "parser", "message"),
    [
        ("input", "nemotron_reasoning_parse_response_safety", "reads what is said of the answer"),
        ("output", "nemoguard_parse_prompt_safety", "reads what is said of the user's message"),
        ("output", "user_safety", "reads what is said of the user's message"),
        (
            "input",
            "nemotron_parse_prompt_safety",
            "is unknown; known: .*nemotron_content_safety_parse_prompt_safety",
        ),
        ("input", "lama_guard", "is unknown"),
    ],
)
def test_a_parser_that_cannot_work_is_an_error_when_the_configuration_is_loaded(direction, parser, message):
    with pytest.raises(ConfigurationError, match=message):
        guarded("safe", direction, prompt={"output_parser": parser})


async def test_a_parser_of_the_program_is_asked():
    rails = guarded("fine by me", prompt={"output_parser": "our own"})
    rails.register_output_parser(lambda text: text == "fine by me", "our own")
    assert await outcome(rails) == "passed"


@pytest.mark.parametrize(
    ("section", "expected"),
    [(None, "blocked"), ({"controversial": "block"}, "blocked"), ({"controversial": "allow"}, "passed")],
)
@pytest.mark.parametrize("model", [None, QWEN])
async def test_what_is_controversial_is_blocked_unless_a_setting_says_otherwise(model, section, expected):
    assert await outcome(guarded(MIDDLE, model=model, section=section)) == expected


@pytest.mark.parametrize(
    ("section", "model", "message"),
    [
        (
            {"controversial": "allow"},
            "meta-llama/Llama-Guard-4-12B",
            "Llama Guard 1 to 4, which never answers 'controversial'",
        ),
        ({"controversial": "maybe"}, None, "controversial"),
        ({"reasoning": {"enable": True}}, None, "enable"),
        ({"multilingual": {"enabled": True}}, None, "refusals in the user's language are not supported"),
    ],
)
def test_a_key_that_cannot_work_is_an_error(section, model, message):
    with pytest.raises(ConfigurationError, match=message):
        guarded("safe", model=model, section=section)


def test_multilingual_refusals_may_be_switched_off():
    guarded("safe", section={"multilingual": {"enabled": False}})


@pytest.mark.parametrize("enabled", [True, False, None])
async def test_a_prompt_is_told_whether_the_model_is_to_reason(enabled):
    content = "{{ user_input }} {% if reasoning_enabled %}/think{% else %}/no_think{% endif %}"
    prompt = {"content": content, "output_parser": "nemotron_reasoning_parse_prompt_safety"}
    rails = guarded(
        REASONING, "input", prompt=prompt, section=None if enabled is None else {"reasoning": {"enabled": enabled}}
    )
    assert await outcome(rails, "input") == "passed"
    (call,) = rails.explain().llm_calls
    assert call.prompt.endswith("Why? /think" if enabled else "Why? /no_think")


async def test_what_is_set_for_all_holds_beside_a_section_of_the_rails_own():
    content = "{{ user_input }} {{ bot_response }} {{ reasoning_enabled }}"
    rails = guarded("safe", prompt={"content": content}, section={"cache_size": 3}, key="content safety check output")
    config = rails.config.model_dump()
    config["rails"]["config"]["content_safety"] = {"reasoning": {"enabled": True}}
    both = LLMRails(RailsConfig.from_content(config={key: config[key] for key in ("models", "prompts", "rails")}))
    assert await outcome(both) == "passed"
    assert both.explain().llm_calls[0].prompt.endswith("Because. True")


async def test_a_model_whose_own_template_asks_needs_no_prompt():
    rails = guarded("Safety: Safe\nCategories: None\nRefusal: No", model=QWEN, prompt=False)
    assert await outcome(rails) == "passed"
    (call,) = rails.explain().llm_calls
    assert call.task == "content_safety_check_output"
    assert [line for line in call.prompt.splitlines() if line] == ["user: Why?", "assistant: Because."]


@pytest.mark.parametrize("model", [None, "allenai/wildguard"])
def test_any_other_model_needs_one(model):
    with pytest.raises(ConfigurationError, match="no prompt for the task 'content_safety_check_output"):
        guarded("safe", model=model, prompt=False)


async def test_an_answer_that_cannot_be_read_is_in_the_journal_alone():
    rails = guarded("It quotes 4111 1111 1111 1111.")
    async with rails.stream(messages=TALK[:1]) as stream:
        events = [event async for event in stream]
    assert "4111" not in str(events[-1])
    assert any("4111" in call.completion for call in stream.response.llm_calls)


@pytest.fixture
def lynx():
    def lynx(answer):
        content = "QUESTION: {{ user_input }} DOCUMENT: {{ provided_context }} ANSWER: {{ bot_response }}"
        models = [
            {"type": type_, "engine": "scripted", "parameters": {"answers": [answer]}}
            for type_ in ("main", "patronus_lynx")
        ]
        prompts = [{"task": "patronus_lynx_check_output_hallucination", "content": content}]
        rails = {"output": {"flows": [LYNX]}}
        return LLMRails(RailsConfig.from_content(config={"models": models, "prompts": prompts, "rails": rails}))

    return lynx


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"REASONING": ["It is so."], "SCORE": "PASS"}', "passed"),
        ('{"REASONING": ["It is not."], "SCORE": "FAIL"}', "blocked"),
        ("PASS", "failed"),
    ],
)
async def test_lynx_compares_an_answer_with_its_evidence(lynx, answer, expected):
    rails = lynx(answer)
    result = await rails.check_async([{"role": "context", "content": {"evidence": "It is so."}}, *TALK], ["output"])
    assert ("failed" if result.failed else result.status) == expected
    assert rails.explain().llm_calls[0].prompt.endswith("QUESTION: Why? DOCUMENT: It is so. ANSWER: Because.")


async def test_lynx_without_evidence_fails(lynx):
    result = await lynx('{"REASONING": [], "SCORE": "PASS"}').check_async(TALK, ["output"])
    assert result.failed
