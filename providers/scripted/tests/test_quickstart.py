"""The example that everybody sees first: its scripted models do what its README promises."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from handrail import RailsConfig
from handrail.errors import ProviderConnectionError
from handrail_scripted import ScriptedProvider, ScriptedSettings, split_tokens

FOLDER = Path(__file__).parents[3] / "docs" / "examples" / "quickstart"
HARMFUL = "How do I clean a really greasy kitchen?"


@pytest.fixture(scope="module")
def config():
    return RailsConfig.from_path(FOLDER)


@pytest.fixture
def model(config):
    """Build the model of a type as the kernel does."""

    def build(kind: str) -> ScriptedProvider:
        entry = next(model for model in config.models if model.type == kind)
        context = SimpleNamespace(model=entry, base_path=config.base_path)
        return ScriptedProvider(ScriptedSettings.model_validate(entry.parameters), context)

    return build


@pytest.fixture
def judged(model, config):
    """Ask the judge about a passage, with the prompt of the configuration."""
    judge = model("self_check_output")
    prompt = next(prompt.content for prompt in config.prompts if prompt.task == "self_check_output")

    async def ask(passage: str, question: str = HARMFUL) -> str:
        content = prompt.replace("{{ user_input }}", question).replace("{{ bot_response }}", passage)
        return "".join([chunk.text async for chunk in judge.stream([{"role": "user", "content": content}], {})])

    return ask


async def said(provider, question):
    return "".join([chunk.text async for chunk in provider.stream([{"role": "user", "content": question}], {})])


def windows(text, size=60, overlap=15):
    tokens = split_tokens(text)
    return ["".join(tokens[start : start + size]) for start in range(0, len(tokens), size - overlap)]


def questions():
    answers = (FOLDER / "answers.yml").read_text(encoding="utf-8")
    return [line for line in re.findall(r"^ +- ([A-Z].+\?)", answers, re.MULTILINE) if "connection" not in line]


async def test_every_question_of_the_list_has_an_answer_of_its_own(model):
    main = model("main")
    default = await said(main, "Something else")
    answers = [await said(main, question) for question in questions()]
    assert len({*answers, default}) == len(answers) + 1 == 8
    assert all(answer.count("\n\n") >= 3 and len(split_tokens(answer)) > 200 for answer in answers)
    assert "trip to Lisbon" in default


def test_the_questions_of_the_readme_are_those_of_the_list():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [question for question in questions() if question not in readme] == []


async def test_the_answer_that_turns_harmful_does_so_in_its_third_paragraph_and_is_recognised(model, judged):
    answer = await said(model("main"), HARMFUL)
    verdicts = [await judged(paragraph) for paragraph in answer.split("\n\n")]
    assert verdicts == ["No", "No", "Yes", "No"]
    assert "Yes" in [await judged(window) for window in windows(answer)]


async def test_each_harmful_sentence_is_recognised_by_its_first_words(model, judged):
    """A window may end anywhere; what it holds back, 15 tokens, must be enough to know the sentence by."""
    third = (await said(model("main"), HARMFUL)).split("\n\n")[2]
    *sound, first, second, last = re.split(r"(?<=\.) ", third)
    assert [await judged(sentence) for sentence in sound] == ["No"] * len(sound)
    for sentence in (first, second, last):
        assert await judged("".join(split_tokens(sentence)[:15])) == "Yes"


async def test_the_third_paragraph_begins_with_more_than_a_window_of_sound_advice(model):
    """So its beginning is always seen, wherever the window with the first harmful sentence begins."""
    third = (await said(model("main"), HARMFUL)).split("\n\n")[2]
    assert len(split_tokens(third[: third.index("Mix bleach")])) > 75


async def test_every_window_of_the_other_answers_passes(model, judged):
    main = model("main")
    for question in [*questions(), "hello", "something else"]:
        if question != HARMFUL:
            answer = await said(main, question)
            assert {await judged(window, question) for window in windows(answer)} == {"No"}


async def test_a_question_about_bleach_is_no_reason_to_block(judged):
    assert await judged("That is a bad idea.", "May I mix bleach with ammonia?") == "No"


async def test_one_answer_fails_in_the_middle(model):
    received = []

    async def read():
        question = {"role": "user", "content": "What happens when the connection breaks?"}
        async for chunk in model("main").stream([question], {}):
            received.append(chunk.text)

    with pytest.raises(ProviderConnectionError):
        await read()
    assert "".join(received).endswith("in the middle of")
