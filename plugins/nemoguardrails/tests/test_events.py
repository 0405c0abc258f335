"""The event-based form of a call is guarded as the other forms are."""

from __future__ import annotations

import pytest
from handrail.errors import InvalidRequestError
from nemoguardrails import LLMRails, RailsConfig
from nemoguardrails.actions.llm import utils

ASKED = {"type": "UtteranceUserActionFinished", "final_transcript": "Why?"}
SORRY = "I'm sorry, I can't respond to that."


@pytest.fixture
def rails(settings):
    def rails(judge, **more):
        return LLMRails(RailsConfig.from_content(config={**settings(judge=judge), **more}))

    return rails


@pytest.mark.parametrize(("judge", "script"), [("no", "The moon pulls the sea."), ("yes", SORRY)])
async def test_the_bot_says_its_guarded_answer_and_listens(rails, judge, script):
    before = [{"type": "ContextUpdate", "data": {"topic": "sea"}}, ASKED]
    said = {"type": "StartUtteranceBotAction", "script": "Because."}
    events = await rails(judge).generate_events_async([*before, said, {"type": "Listen"}, ASKED])
    assert [event["type"] for event in events] == ["StartUtteranceBotAction", "Listen"]
    assert events[0]["script"] == script


def test_so_it_does_where_nothing_is_asynchronous(rails):
    assert rails("no").generate_events([ASKED])[0]["script"] == "The moon pulls the sea."


async def test_a_block_is_an_exception_where_those_are_wanted(rails):
    events = await rails("yes", enable_rails_exceptions=True).generate_events_async([ASKED])
    assert [event["type"] for event in events] == ["OutputRailException", "Listen"]
    assert "moon" not in repr(events)


@pytest.mark.parametrize("events", [[], [{"type": "Listen"}], [{"type": "UserSilent"}, ASKED], [ASKED, {"type": "?"}]])
async def test_what_is_no_turn_of_a_user_is_refused(rails, events):
    with pytest.raises(InvalidRequestError):
        await rails("no").generate_events_async(events)


async def test_an_action_reads_the_events_that_it_gets(settings):
    seen = []

    def check(events):
        seen.append((utils.get_last_user_utterance(events), utils.get_colang_history(events)))
        return True

    colang = "define flow own\n  $ok = execute check\n  if not $ok\n    stop\n"
    rails = LLMRails(RailsConfig.from_content(colang, config=settings(flows=["own"]))).register_action(check)
    await rails.generate_async("Why?")
    assert seen[-1] == ("Why?", 'user "Why?"\n  "The moon pulls the sea."\n')


def test_lines_and_quotes_are_read_as_people_expect():
    assert utils.get_first_nonempty_line("\n# no\n  yes \nmore") == "yes"
    assert utils.get_first_nonempty_line("") is None
    assert utils.get_top_k_nonempty_lines("a\n\nb\nc", 2) == ["a", "b"]
    assert utils.strip_quotes('"yes"') == "yes"
    assert utils.get_last_user_utterance([]) is None
