"""Prompts: which one is taken, what it may say, and what it is given."""

from __future__ import annotations

import pytest
from handrail import RailFailed
from handrail.errors import ConfigurationError, InvalidRailsConfigurationError

OUTPUT = "{{ bot_response }}"


def refused(build, task="self_check_output", **changes):
    with pytest.raises(ConfigurationError) as caught:
        build(task, **changes)
    assert isinstance(caught.value, InvalidRailsConfigurationError)
    return str(caught.value)


async def failure_of(guarded, **request):
    async with guarded.rails.stream(**(request or {"prompt": "hi"})) as stream:
        events = [event async for event in stream]
    (failed,) = events
    assert isinstance(failed, RailFailed)
    return failed.error


def with_context(**variables):
    return [{"role": "context", "content": variables}, {"role": "user", "content": "hi"}]


@pytest.mark.parametrize("task", ["self_check_input", "self_check_output", "self_check_facts"])
def test_a_missing_prompt_is_an_error_that_names_the_task(build, task):
    assert f"no prompt for the task '{task}'" in refused(build, task, prompts=[])


@pytest.mark.parametrize(
    ("task", "content", "words"),
    [
        ("self_check_output", "{{ bot_response", "is not a valid template: line 1: "),
        ("self_check_output", "\n\n{% if %}", "line 3: "),
        ("self_check_output", "{{ bot_response | colang }}", "No filter named 'colang'"),
        ("self_check_output", "Is this fine?", "never mentions 'bot_response', so the judge would not see it"),
        ("self_check_output", "{{ user_input }}", "never mentions 'bot_response'"),
        ("self_check_input", "{{ bot_response }}", "uses 'bot_response', which this task does not have"),
        ("self_check_output", "{{ bot_respose }}", "uses 'bot_respose'; did you mean 'bot_response'?"),
        ("self_check_output", OUTPUT + "{{ user_inptu }}", "did you mean 'user_input'?"),
        ("self_check_output", OUTPUT + "{{ bot_message }}", "uses 'bot_message', which this task does not have"),
        ("self_check_output", OUTPUT + "{{ history }}", "uses 'history', which stands only as an entry of its own"),
        ("self_check_facts", "{{ evidence }} {{ bot_response }}", "it has 'evidence', 'response', 'user_input'"),
        ("self_check_facts", "{{ response }}", "never mentions 'evidence'"),
        ("self_check_facts", "{{ evidence }}", "never mentions 'response'"),
        ("self_check_output", OUTPUT + "{% include 'x' %}", "refers to another template, 'x'"),
    ],
)
def test_a_template_that_cannot_work_is_an_error_when_it_is_loaded(build, task, content, words):
    message = refused(build, task, prompt={"content": content})
    assert words in message
    assert repr(task) in message


def test_an_error_in_a_prompt_has_its_place_in_the_file(tmp_path):
    from handrail import LLMRails, RailsConfig, Registry
    from handrail_scripted import ScriptedProvider

    (tmp_path / "config.yml").write_text(
        "models:\n  - {type: main, engine: chat, model: m}\nrails:\n  input:\n    flows:\n      - self check input\n"
    )
    (tmp_path / "prompts.yml").write_text(
        "prompts:\n  - task: other\n    content: x\n  - task: self_check_input\n    content: Hello {{ user }}\n"
    )
    registry = Registry.discover().with_plugins(ScriptedProvider.from_texts("no").as_plugin("chat"))
    with pytest.raises(InvalidRailsConfigurationError, match=r"prompts\.yml:4:.*never mentions 'user_input'"):
        LLMRails(RailsConfig.from_path(tmp_path), registry=registry)


@pytest.mark.parametrize(
    ("task", "content", "words"),
    [
        (
            "self_check_output",
            OUTPUT + "\nIs this answer safe?",
            "asks 'Is this answer safe?', where 'yes' would allow",
        ),
        (
            "self_check_output",
            OUTPUT + "\nDoes it comply with the policy (yes/no)?",
            "set its output_parser to 'yes_allows'",
        ),
        ("self_check_input", "{{ user_input }}\nIs it appropriate?", "'yes_allows'"),
        (
            "self_check_facts",
            "{{ evidence }}{{ response }}\nShould it be blocked?",
            "set its output_parser to 'yes_blocks'",
        ),
        ("self_check_facts", "{{ evidence }}{{ response }}\nDoes it contradict the evidence?", "'yes' would block"),
    ],
)
def test_a_question_whose_yes_means_the_contrary_is_an_error(build, task, content, words):
    assert words in refused(build, task, prompt={"content": content})


@pytest.mark.parametrize(
    ("task", "content", "parser"),
    [
        ("self_check_output", OUTPUT + "\nIs this answer safe?", "yes_allows"),
        ("self_check_output", OUTPUT + "\nIs this answer safe?", "response_safety"),
        ("self_check_output", OUTPUT + "\nIs this answer safe or unsafe?", None),
        ("self_check_output", OUTPUT + "\nIs there anything not safe in it?", None),
        ("self_check_output", "Is it safe?\n" + OUTPUT + "\nShould it be blocked?", None),
        ("self_check_output", OUTPUT + "\nWould this break the policy?", None),
        ("self_check_facts", "{{ evidence }}{{ response }}\nIs it supported?", None),
        ("self_check_facts", "{{ evidence }}{{ response }}\nShould it be blocked?", "yes_blocks"),
    ],
)
def test_other_questions_are_left_to_the_author(build, task, content, parser):
    build(task, prompt={"content": content, "output_parser": parser})


@pytest.mark.parametrize(
    ("parser", "answer", "passes"),
    [
        (None, "no", True),
        ("is_content_safe", "no", True),
        ("is_content_safe", "unsafe", False),
        ("yes_no", "yes", False),
        ("self_check_output", "no", True),
        ("yes_blocks", "yes", False),
        ("yes_allows", "yes", True),
        ("yes_allows", "no", False),
        ("response_safety", '{"User Safety": "unsafe", "Response Safety": "safe"}', True),
        ("user_safety", '{"User Safety": "unsafe", "Response Safety": "safe"}', False),
        ("nemoguard_parse_response_safety", '{"User Safety": "safe", "Response Safety": "unsafe"}', False),
        ("nemoguard_parse_prompt_safety", '{"User Safety": "safe", "Response Safety": "unsafe"}', True),
    ],
)
async def test_the_parser_that_a_prompt_names_reads_the_answer(build, parser, answer, passes):
    guarded = build(judge=[answer], prompt={"content": OUTPUT, "output_parser": parser})
    whole = await guarded.rails.generate_async("hi")
    assert (whole == "All is well.") is passes
    assert passes or whole == "I'm sorry, I can't respond to that."


@pytest.mark.parametrize(("answer", "words"), [("safe", "JSON object"), ('{"User Safety": "safe"}', "has no key")])
async def test_a_parser_of_json_takes_nothing_else(build, answer, words):
    guarded = build(judge=[answer], prompt={"output_parser": "response_safety"})
    assert words in await failure_of(guarded)


def test_an_unknown_parser_is_an_error_that_lists_those_there_are(build):
    message = refused(build, prompt={"output_parser": "is_contents_safe"})
    assert "output_parser 'is_contents_safe', which is unknown; known: is_content_safe, yes_no, yes_blocks" in message


@pytest.mark.parametrize(
    ("result", "passes"), [(True, True), ([True], True), (False, False), ([False, "S1"], False), ("safe", False)]
)
async def test_a_parser_may_be_registered_on_the_rails(build, result, passes):
    guarded = build(judge=["whatever"], prompt={"content": OUTPUT, "output_parser": "our own way"})
    guarded.rails.register_output_parser(lambda text: result, "our own way")
    assert (await guarded.rails.generate_async("hi") == "All is well.") is passes


async def test_a_parser_that_nobody_registers_fails_closed(build):
    guarded = build(judge=["no"], prompt={"content": OUTPUT, "output_parser": "our own way"})
    assert "unknown output_parser 'our own way'" in await failure_of(guarded)


async def test_what_a_registered_parser_raises_or_returns_is_not_quoted(build):
    def parser(text):
        raise ValueError(f"cannot read {text}")

    guarded = build(judge=["secret words"], prompt={"content": OUTPUT, "output_parser": "our own way"})
    guarded.rails.register_output_parser(parser, "our own way")
    error = await failure_of(guarded)
    assert "made the output_parser 'our own way' raise ValueError" in error
    assert "secret" not in error


def test_a_limit_of_one_token_is_an_error(build):
    assert "no answer can be seen to end" in refused(build, prompt={"max_tokens": 1})


@pytest.mark.parametrize("question", ["Ist diese Antwort sicher?", "La réponse est-elle autorisée ?", "允许 吗？"])
def test_a_question_the_other_way_round_is_an_error_in_other_languages_too(build, question):
    assert "where 'yes' would allow" in refused(build, prompt={"content": f"{OUTPUT}\n{question}"})


async def test_the_question_of_the_prompt_may_be_repeated(build):
    content = OUTPUT + "\nMust our moderators refuse this?"
    guarded = build(judge=["Must our moderators refuse this? No"], prompt={"content": content})
    assert await guarded.rails.generate_async("hi") == "All is well."


MODELS = [
    {"task": "self_check_output", "content": "general " + OUTPUT},
    {"task": "self_check_output", "content": "by engine " + OUTPUT, "models": ["double"]},
    {"task": "self_check_output", "content": "exact " + OUTPUT, "models": ["other/x", "double/small"]},
    {"task": "self_check_output", "content": "for others " + OUTPUT, "models": ["other", "double/large", "chat/large"]},
]


@pytest.mark.parametrize(("kept", "taken"), [([0, 1, 2, 3], "exact"), ([0, 1, 3], "by engine"), ([0, 3], "general")])
async def test_the_prompt_that_names_the_judge_most_closely_is_taken(build, kept, taken):
    guarded = build(prompts=[MODELS[index] for index in kept])
    await guarded.rails.generate_async("hi")
    assert guarded.asked == [f"{taken} All is well."]


def test_prompts_for_other_models_only_are_an_error(build):
    assert "double/small" in refused(build, prompts=[MODELS[3]])


async def test_messages_keep_their_roles(build):
    messages = [
        {"type": "system", "content": "You judge."},
        {"role": "user", "content": "hello?"},
        {"type": "bot", "content": "Yes?"},
        {"type": "assistant", "content": "{% if false %}dropped{% endif %}"},
        "Judge this: {{ bot_response }}",
    ]
    guarded = build(prompt={"content": None, "messages": messages})
    await guarded.rails.generate_async("hi")
    assert guarded.judge.calls[0].messages == (
        {"role": "system", "content": "You judge."},
        {"role": "user", "content": "hello?"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "Judge this: All is well."},
    )


async def test_an_entry_stands_for_the_conversation_so_far(build):
    messages = ["{{ history | to_chat_messages }}", {"type": "user", "content": OUTPUT}]
    guarded = build(prompt={"content": None, "messages": messages})
    talk = [
        {"role": "system", "content": "be kind"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "x"}}],
        },
        {"role": "assistant", "content": "nice"},
        {"role": "user", "content": "and this?"},
    ]
    await guarded.rails.generate_async(messages=talk)
    assert guarded.judge.calls[0].messages == (
        {"role": "user", "content": "look"},
        {"role": "assistant", "content": "nice"},
        {"role": "user", "content": "and this?"},
        {"role": "user", "content": "All is well."},
    )


def test_a_message_of_an_unknown_type_is_an_error(build):
    messages = [{"type": "oracle", "content": OUTPUT}]
    assert "has a message of the type 'oracle'" in refused(build, prompt={"content": None, "messages": messages})


async def test_a_prompt_that_is_too_long_is_never_cut(build):
    guarded = build(prompt={"content": OUTPUT, "max_length": 20}, answer="a" * 21)
    error = await failure_of(guarded)
    assert "has 21 characters with what it asks about, and its max_length is 20; set a larger max_length" in error
    assert not guarded.judge.calls
    assert (
        await build(prompt={"content": OUTPUT, "max_length": 20}, answer="a" * 20).rails.generate_async("hi")
        == "a" * 20
    )


async def test_all_messages_count_for_the_length(build):
    messages = [{"type": "system", "content": "x" * 12}, {"type": "user", "content": OUTPUT}]
    guarded = build(prompt={"content": None, "messages": messages, "max_length": 20}, answer="a" * 9)
    assert "has 21 characters" in await failure_of(guarded)


async def test_context_variables_reach_the_prompt(build):
    guarded = build(prompt={"content": OUTPUT + " {{ audience }} {{ details.age }}"})
    await guarded.rails.generate_async(messages=with_context(audience="children", details={"age": 7}, range="x"))
    assert guarded.asked == ["All is well. children 7"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{{ audience }}", "'audience' is undefined; give it in a message of the role 'context'"),
        ("{% if audience %}x{% endif %}", "'audience' is undefined"),
        ("{{ details.age }}", "has no attribute 'age'"),
        ("{{ details.clear() }}", "failed: "),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
    ],
)
async def test_a_template_that_fails_is_a_failure(build, content, words):
    guarded = build(prompt={"content": OUTPUT + content})
    assert words in await failure_of(guarded, messages=with_context(details={"name": "x"}))
    assert not guarded.judge.calls


async def test_an_optional_variable_may_be_absent(build):
    content = OUTPUT + "{% if audience is defined %} for {{ audience }}{% endif %}"
    guarded = build(prompt={"content": content})
    await guarded.rails.generate_async("hi")
    await guarded.rails.generate_async(messages=with_context(audience="all"))
    assert guarded.asked == ["All is well.", "All is well. for all"]


async def test_a_context_variable_cannot_take_the_place_of_a_function(build):
    guarded = build(prompt={"content": OUTPUT + "{% for i in range(2) %}.{% endfor %}"})
    await guarded.rails.generate_async(messages=with_context(range="x", bot_response="y"))
    assert guarded.asked == ["All is well..."]
