"""The rails in the engine: what is asked, and what becomes of the answer."""

from __future__ import annotations

import pytest
from handrail import Blocked, Finished, RailFailed, StreamError, TextDelta
from handrail_scripted import Answer, Script, ScriptedError, ScriptedProvider

LONG = "The tides follow the moon. " * 60
REFUSAL = "I'm sorry, I can't respond to that."
FAILURE = "I'm sorry, an internal error has occurred."


async def texts_of(guarded, **request):
    return [text async for text in guarded.rails.stream_async(**(request or {"prompt": "hi"}))]


async def events_of(guarded, **request):
    async with guarded.rails.stream(**(request or {"prompt": "hi"})) as stream:
        events = [event async for event in stream]
    return events, stream.response


async def test_an_answer_that_the_judge_clears_is_delivered_whole(build):
    guarded = build(judge=["no"], answer=LONG)
    assert "".join(await texts_of(guarded)) == LONG
    assert await guarded.rails.generate_async("hi") == LONG


async def test_an_answer_that_the_judge_blocks_is_not_delivered(build):
    guarded = build(judge=["yes"])
    (error,) = await texts_of(guarded)
    assert isinstance(error, StreamError)
    assert error.error["code"] == "content_blocked"
    assert await guarded.rails.generate_async("hi") == REFUSAL


async def test_a_stream_is_stopped_at_the_window_that_the_judge_blocks(build):
    bad = "Now take the bleach."
    judge = ScriptedProvider.from_script(Script(answers=(Answer(contains=("bleach",), text="Yes."), Answer(text="no"))))
    guarded = build(judge=judge, answer=LONG + bad + LONG)
    events, response = await events_of(guarded)
    assert isinstance(events[-1], Blocked)
    assert events[-1].reason == "the judge said the answer must be blocked"
    delivered = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert delivered
    assert LONG.startswith(delivered)
    assert response.outcome == "blocked"


async def test_how_an_answer_begins_that_cannot_be_read_is_in_the_journal_and_nowhere_else(build, caplog):
    said = "Well, the hidden phrase is there, and it depends. " * 4
    guarded = build(judge=[said])
    events, response = await events_of(guarded)
    (run,) = response.rail_runs
    assert run.detail == {"answer": said[:80], "finish_reason": "stop"}
    shown = f"{events} {run} {run.error} {caplog.text}"
    assert "hidden phrase" not in shown


async def test_each_window_is_asked_about_with_the_message_of_the_user(build):
    guarded = build(judge=["no"], answer=LONG)
    await texts_of(guarded, prompt="What moves the sea?")
    assert len(guarded.asked) > 1
    assert all(text.startswith("User: What moves the sea?\nBot: ") for text in guarded.asked)
    assert guarded.asked[0].endswith("Should it be blocked (yes or no)?")


async def test_the_judge_is_the_model_of_the_task_at_the_lowest_temperature(build):
    guarded = build(prompt={"max_tokens": 5, "stop": ["\n"]}, top={"lowest_temperature": 0.25})
    await texts_of(guarded)
    assert guarded.judge.calls[0].params == {"temperature": 0.25, "max_tokens": 5, "stop": ["\n"]}
    assert len(guarded.main.calls) == 1


async def test_without_a_model_of_the_task_the_main_model_judges(build):
    models = [{"type": "main", "engine": "chat", "model": "large"}]
    guarded = build(answer="No.", top={"models": models})
    assert await guarded.rails.generate_async("hi") == "No."
    assert len(guarded.main.calls) == 2
    assert not guarded.judge.calls


@pytest.mark.parametrize(
    ("parameters", "prompt", "sent"),
    [
        ({}, {}, 256),
        ({"max_tokens": 900}, {}, None),
        ({"max_completion_tokens": 900}, {}, None),
        ({"max_tokens": 900}, {"max_tokens": 3}, 3),
    ],
)
async def test_the_limit_of_tokens_is_the_prompts_or_the_judges_own(build, parameters, prompt, sent):
    guarded = build(parameters=parameters, prompt=prompt)
    await texts_of(guarded)
    assert guarded.judge.calls[0].params.get("max_tokens") == sent


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("", "the judge double/small gave an empty answer; its answer is in the journal"),
        (
            "dunno",
            "said neither yes nor no; its answer is in the journal; let the prompt of the task 'self_check_output' ask",
        ),
        ("No, it is unsafe.", "adds to its answer what is no explanation of it"),
        ("I'm sorry, I can't assist with that.", "said neither yes nor no"),
        ("no " * 40_000, "answered with 119,999 characters, of which at most 8,000 are read"),
    ],
)
async def test_an_answer_that_cannot_be_read_is_a_failure_and_no_refusal(build, answer, words):
    guarded = build(judge=[answer], prompt={"max_tokens": 200_000})
    events, response = await events_of(guarded)
    (failed,) = events
    assert isinstance(failed, RailFailed)
    assert words in failed.error
    assert len(failed.error) < 400
    assert response.outcome == "rail failed"
    (error,) = await texts_of(guarded)
    assert error.error["code"] == "rail_execution_failure"
    assert await guarded.rails.generate_async("hi") == FAILURE


async def test_an_answer_that_cannot_be_read_is_in_the_journal_and_nowhere_else(build, caplog):
    """A judge quotes what it judges: events, logs and refusals go to others than the journal."""
    secret = "the card 4111 1111 1111 1111"
    caplog.set_level(0)
    guarded = build(judge=[f"No, but it quotes {secret}."], settings={"on_error": "allow"})
    events, response = await events_of(guarded)
    assert secret in next(call.completion for call in response.llm_calls if call.task == "self_check_output")
    assert not any(secret in str(event) for event in events)
    assert secret not in caplog.text
    assert "'self check output' failed" in caplog.text


@pytest.mark.parametrize("reason", ["length", "content_filter", "error", "tool_calls", "something else"])
async def test_an_answer_that_did_not_end_by_itself_allows_nothing_and_may_block(build, reason):
    def judge(text):
        return ScriptedProvider.from_script(Script(answers=(Answer(text=text, finish_reason=reason),)))

    (failed,), _ = await events_of(build(judge=judge("No")))
    assert "did not end its answer" in failed.error
    (blocked,), _ = await events_of(build(judge=judge("Yes, because")))
    assert isinstance(blocked, Blocked)


async def test_an_answer_that_was_cut_says_which_limit_to_raise(build):
    guarded = build(judge=["Let me think about what is being asked of me"], prompt={"max_tokens": 4})
    (failed,), _ = await events_of(guarded)
    assert "it was cut off at 4 tokens; set a larger max_tokens in the prompt of 'self_check_output'" in failed.error


async def test_a_judge_that_only_thinks_clears_nothing(build):
    judge = ScriptedProvider.from_script(Script(answers=(Answer(reasoning="no, it is safe"),)))
    (failed,), _ = await events_of(build(judge=judge))
    assert "gave an empty answer" in failed.error


async def test_the_thoughts_of_a_judge_are_not_its_answer(build):
    judge = ScriptedProvider.from_script(Script(answers=(Answer(reasoning="is it unsafe? yes?", text="no"),)))
    assert await build(judge=judge).rails.generate_async("hi") == "All is well."


async def test_a_filter_in_front_of_the_judge_is_named(build):
    judge = ScriptedProvider.from_script(Script(answers=(Answer(text="", finish_reason="content_filter"),)))
    (failed,), _ = await events_of(build(judge=judge))
    assert "its provider's content filter stopped it" in failed.error


@pytest.mark.parametrize("kind", ["server", "timeout", "content_filter", "rate_limit"])
async def test_a_judge_that_fails_is_a_failure_even_after_a_no(build, kind):
    error = ScriptedError(type=kind, after=1, message="the judge is away")
    judge = ScriptedProvider.from_script(Script(answers=(Answer(text="no, never", error=error),)))
    (failed,), _ = await events_of(build(judge=judge))
    assert isinstance(failed, RailFailed)
    assert "the judge is away" in failed.error


async def test_a_failure_passes_only_where_the_configuration_says_so(build):
    guarded = build(judge=["dunno"], settings={"on_error": "allow"})
    events, response = await events_of(guarded)
    assert isinstance(events[-1], Finished)
    assert response.rail_runs[0].allowed_on_error


async def test_the_log_has_each_question_with_its_cost(build):
    _, response = await events_of(build(judge=["no"]))
    judged = [call for call in response.llm_calls if call.task == "self_check_output"]
    assert [(call.engine, call.model, call.completion) for call in judged] == [("double", "small", "no")]
    assert judged[0].usage.input_tokens > 0
    assert judged[0].usage.output_tokens == 1
    assert "Bot: All is well." in judged[0].prompt


async def test_the_category_that_a_judge_names_is_in_the_block(build):
    (blocked,), _ = await events_of(build(judge=["unsafe\nS10"]))
    assert isinstance(blocked, Blocked)
    assert blocked.category == "S10"


@pytest.mark.parametrize(
    ("named", "category"), [("Weapons", "Weapons"), ("Violence", "Violence"), ("about Quandary Lane", None)]
)
async def test_a_category_never_quotes_what_is_judged(build, named, category):
    prompt = {"content": "Categories: Violence.\nBot: {{ bot_response }}\nShould it be blocked (yes or no)?"}
    judge = [f'{{"blocked": true, "category": "{named}"}}']
    guarded = build(judge=judge, answer="There is violence in quandary lane.", prompt=prompt)
    (blocked,), response = await events_of(guarded)
    assert (blocked.category, response.rail_runs[0].category) == (category, category)


async def test_leaving_a_stream_stops_the_judge(build):
    judge = ScriptedProvider.from_texts("no", delay=3_600)
    guarded = build(judge=judge)
    async with guarded.rails.stream("hi") as stream:
        while not judge.calls:
            await asyncio_or_trio_turn()
        del stream
    assert judge.calls[0].closed


async def asyncio_or_trio_turn():
    from anyio.lowlevel import checkpoint

    await checkpoint()


async def test_a_message_that_the_judge_blocks_never_reaches_the_model(build):
    guarded = build("self_check_input", judge=["Yes"])
    assert await guarded.rails.generate_async("how do I pick a lock?") == REFUSAL
    assert guarded.asked == ["User: how do I pick a lock?\nShould it be blocked (yes or no)?"]
    assert not guarded.main.calls


async def test_a_message_that_the_judge_clears_is_answered(build):
    guarded = build("self_check_input", judge=["No"])
    assert await guarded.rails.generate_async("hello") == "All is well."


async def test_every_message_since_the_last_answer_is_judged(build):
    guarded = build("self_check_input", judge=["No"])
    messages = [
        {"role": "user", "content": "old"},
        {"role": "assistant", "content": "answered"},
        {"role": "user", "content": "first"},
        {"role": "user", "content": "second"},
    ]
    await guarded.rails.generate_async(messages=messages)
    assert guarded.asked == [
        "User: old\nShould it be blocked (yes or no)?",
        "User: first\nsecond\nShould it be blocked (yes or no)?",
    ]


@pytest.mark.parametrize("name", ["user_input", "bot_response"])
async def test_a_context_variable_cannot_stand_in_for_what_is_judged(build, name):
    guarded = build(judge=["no"], answer="The real answer.")
    messages = [
        {"role": "context", "content": {name: "something harmless", "user_message": "x", "bot_message": "x"}},
        {"role": "user", "content": "The real question."},
    ]
    await guarded.rails.generate_async(messages=messages)
    assert guarded.asked == [
        "User: The real question.\nBot: The real answer.\nShould it be blocked (yes or no)?",
    ]


async def test_a_template_in_what_is_judged_stays_text(build):
    text = "{{ 7 * 7 }} {% for x in () %} {{ config }} {# hidden #}"
    guarded = build(judge=["no"], answer=text)
    assert await guarded.rails.generate_async("hi") == text
    assert text in guarded.asked[0]
