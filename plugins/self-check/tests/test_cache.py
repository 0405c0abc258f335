"""What is remembered of a judge's answers."""

from __future__ import annotations

from threading import Thread

import pytest
from handrail.errors import ConfigurationError
from handrail_scripted import Answer, Script, ScriptedError, ScriptedProvider
from handrail_self_check._answer import Judgement
from handrail_self_check._cache import AnswerCache, cache_key


async def decision_of(guarded, prompt="hi"):
    async with guarded.rails.stream(prompt) as stream:
        async for _ in stream:
            pass
    (run,) = stream.response.rail_runs
    return run.decision, run.reason, len(stream.response.llm_calls)


async def test_nothing_is_remembered_unless_it_is_asked_for(build):
    guarded = build(judge=["no", "yes"])
    assert await decision_of(guarded) == ("allow", "", 2)
    assert (await decision_of(guarded))[0] == "block"


@pytest.mark.parametrize(
    ("answer", "first", "again"),
    [
        ("no", ("allow", "", 2), ("allow", "allowed (remembered)", 1)),
        (
            "yes",
            ("block", "the judge said the answer must be blocked", 2),
            ("block", "the judge said the answer must be blocked (remembered)", 1),
        ),
    ],
)
async def test_a_prompt_that_was_asked_is_not_asked_again(build, answer, first, again):
    guarded = build(judge=[answer, "dunno"], settings={"cache_size": 8})
    assert await decision_of(guarded) == first
    assert await decision_of(guarded) == again
    assert len(guarded.judge.calls) == 1


async def test_another_prompt_is_asked(build):
    guarded = build(judge=["no", "yes"], settings={"cache_size": 8})
    assert (await decision_of(guarded, "one"))[0] == "allow"
    assert (await decision_of(guarded, "two"))[0] == "block"
    assert (await decision_of(guarded, "one"))[0] == "allow"


async def test_a_failure_is_never_remembered(build):
    broken = Answer(text="no", error=ScriptedError(type="server"))
    script = Script(answers=(Answer(text="dunno"), broken, Answer(text="no", times=1), Answer(text="yes")))
    guarded = build(judge=ScriptedProvider.from_script(script), settings={"cache_size": 8})
    assert (await decision_of(guarded))[0] == "failed"
    assert (await decision_of(guarded))[0] == "failed"
    assert (await decision_of(guarded))[0] == "allow"
    assert (await decision_of(guarded)) == ("allow", "allowed (remembered)", 1)


async def test_two_rails_do_not_share_what_they_remember(build):
    one = build(judge=["no"], settings={"cache_size": 8})
    two = build(judge=["yes"], settings={"cache_size": 8})
    assert (await decision_of(one))[0] == "allow"
    assert (await decision_of(two))[0] == "block"


@pytest.mark.parametrize("size", [-1, 1.5, "8", True])
def test_a_size_that_makes_no_sense_is_an_error(build, size):
    with pytest.raises(ConfigurationError, match="cache_size"):
        build(settings={"cache_size": size})


def test_an_unknown_setting_is_an_error(build):
    with pytest.raises(ConfigurationError, match="unknown key 'cash_size'.*did you mean 'cache_size'"):
        build(settings={"cash_size": 1})


def test_the_one_used_longest_ago_is_forgotten():
    cache = AnswerCache(2)
    for key in (b"a", b"b"):
        cache.put(key, Judgement(blocked=False))
    assert cache.get(b"a") is not None
    cache.put(b"c", Judgement(blocked=True))
    assert cache.get(b"b") is None
    assert cache.get(b"a") is not None
    assert len(cache) == 2


def test_texts_that_are_cut_otherwise_have_another_key():
    keys = {cache_key(texts) for texts in (["ab", "c"], ["a", "bc"], ["abc"], ["abc", ""], ["\ud800"])}
    assert len(keys) == 5


def test_several_threads_may_use_a_cache():
    cache = AnswerCache(4)
    failures: list[BaseException] = []

    def use() -> None:
        try:
            for number in range(2_000):
                key = bytes([number % 9])
                if cache.get(key) is None:
                    cache.put(key, Judgement(blocked=False))
        except BaseException as exc:
            failures.append(exc)

    threads = [Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(cache) == 4
