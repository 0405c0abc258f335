"""What this rail in particular does, with a real service that answers well or badly."""

from __future__ import annotations

import pytest
from handrail import ConfigurationError, LLMRails, RailsConfig
from handrail_testkit import delivered, stream_of

pytestmark = pytest.mark.anyio


def guarded(harbour, **settings):
    rail = "harbour moderation"
    streaming = {"enabled": True, "chunk_size": 40, "context_size": 10}
    rails = {"output": {"flows": [rail], "streaming": streaming}, "config": {rail: {"url": harbour.url, **settings}}}
    return LLMRails(RailsConfig.from_content(config={"rails": rails}))


async def test_the_verdict_says_what_was_found_and_where(harbour):
    came = await delivered(guarded(harbour), generator=stream_of("All is well, you blockhead."))
    assert came.blocked is not None
    assert (came.blocked.category, came.blocked.span) == ("insult", (17, 26))
    assert came.blocked.reason == "insult, rated 0.93"
    assert "blockhead" not in came.text


async def test_the_service_sees_windows_of_a_long_answer(harbour):
    text = "The sea is calm today, and the boats are out. " * 30
    came = await delivered(guarded(harbour), generator=stream_of(text))
    assert came.text == text
    assert len(harbour.texts) > 3
    assert max(map(len, harbour.texts)) < 400


@pytest.mark.parametrize(
    ("settings", "passes"), [({}, False), ({"threshold": 0.8}, True), ({"thresholds": {"insult": 0.6}}, True)]
)
async def test_the_threshold_of_a_category_goes_before_the_general_one(harbour, settings, passes):
    came = await delivered(guarded(harbour, **settings), generator=stream_of("What a nitwit."))
    assert came.finished is passes


@pytest.mark.parametrize(
    ("misbehave", "said"),
    [
        (500, "answered with status 500"),
        (b"<html>welcome</html>", "answered with what is no rating"),
        (b'{"scores": []}', "answered with what is no rating"),
        (b'{"ratings": [{"category": "insult", "score": "high"}]}', "answered with what is no rating"),
        ("hang", "did not answer within 0.2 s"),
    ],
)
async def test_a_service_that_does_not_answer_properly_lets_nothing_through(harbour, misbehave, said):
    harbour.misbehave = misbehave
    came = await delivered(guarded(harbour, service_timeout=0.2), generator=stream_of("Hello there."))
    assert came.text == ""
    assert came.failed is not None
    assert said in came.failed.error
    assert "Hello" not in came.failed.error


async def test_a_service_that_is_not_there_lets_nothing_through(harbour):
    came = await delivered(guarded(harbour, url="http://127.0.0.1:9/closed"), generator=stream_of("Hello there."))
    assert came.text == ""
    assert came.failed is not None
    assert "cannot be reached" in came.failed.error


async def test_the_token_is_sent(harbour):
    await delivered(guarded(harbour, token_env_var="HARBOUR_TOKEN"), generator=stream_of("Hello."))
    assert harbour.tokens == ["Bearer a-token-of-the-tests"]


def test_a_token_that_is_not_there_is_noticed_when_the_configuration_is_loaded(harbour):
    with pytest.raises(ConfigurationError, match="'NO_SUCH_VARIABLE', which is not set"):
        guarded(harbour, token_env_var="NO_SUCH_VARIABLE")


@pytest.mark.parametrize("span", ["[3, 2]", "[0, 999]", "[1]", "null"])
async def test_a_span_that_is_none_is_left_out(harbour, span):
    harbour.misbehave = b'{"ratings": [{"category": "x", "score": 1.0, "span": %s}]}' % span.encode()
    came = await delivered(guarded(harbour), generator=stream_of("Hello there."))
    assert came.blocked is not None
    assert came.blocked.span is None
