"""Hosts that are bad on purpose: each fails the test of the rule that it breaks."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "conformance" / "hosts.md"
(GOOD,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
SUITE = """

import dataclasses


@pytest.fixture
def anyio_backend():
    return "asyncio"


class TestBad(HostConformance):
    prompt = 0.5

    @pytest.fixture
    def case(self):
        return Bad()
"""


BAD = {
    "a host that guards nothing": (
        """
        class Bad(Mine):
            async def ask(self, request):
                chunks = [chunk async for chunk in request.model.stream()]
                return HostAnswer(ended="complete", text="".join(chunk.text for chunk in chunks))
        """,
        ("a_violation_at_every_place_of_a_text_is_withheld", "what_a_rail_replaces_is_replaced"),
    ),
    "a host that guards streams only": (
        """
        class Bad(Mine):
            async def ask(self, request):
                if request.streams:
                    return await super().ask(request)
                chunks = [chunk async for chunk in request.model.stream()]
                return HostAnswer(ended="complete", text="".join(chunk.text for chunk in chunks))
        """,
        ("a_violation_in_a_whole_answer_is_withheld", "a_rail_that_fails_lets_nothing_through"),
    ),
    "a host that waits for the end": (
        """
        class Bad(Mine):
            async def ask(self, request):
                chunks = [chunk async for chunk in request.model.stream()]
                return await super().ask(request)
        """,
        ("text_is_delivered_while_the_model_still_writes", "a_refusal_stops_the_model"),
    ),
    "a host that forgets its stream": (
        """
        class Kept:
            def __init__(self, model):
                self.model, self.streams = model, []

            def stream(self, messages, params):
                async def keep():
                    stream = self.model.stream()
                    KEPT.append(stream)
                    async for chunk in stream:
                        yield chunk
                return keep()

        KEPT = []

        class Bad(Mine):
            async def once(self, rails, request):
                return await super().once(rails.update_llm(Kept(request.model)), request)
        """,
        ("a_reader_who_leaves_stops_the_model",),
    ),
    "a host whose answers mix": (
        """
        class Bad(Mine):
            text = ""

            async def once(self, rails, request):
                answer = await super().once(rails, request)
                Bad.text += answer.text
                return dataclasses.replace(answer, text=Bad.text)
        """,
        ("answers_at_the_same_time_do_not_mix", "clean_text_is_delivered_as_it_came"),
    ),
    "a host that tells a broken answer as complete": (
        """
        class Bad(Mine):
            async def once(self, rails, request):
                return dataclasses.replace(await super().once(rails, request), ended="complete")
        """,
        ("a_model_that_breaks_off_is_not_told_as_complete", "a_message_that_is_refused_never_reaches_the_model"),
    ),
    "a host that shows what was refused, and keeps it": (
        """
        class Bad(Mine):
            async def once(self, rails, request):
                answer = await super().once(rails, request)
                said = "".join(chunk.text for chunk in request.model.chunks)
                return dataclasses.replace(answer, shown=answer.shown + said, kept=said)
        """,
        ("a_reader_is_told_of_a_refusal_and_not_what_was_refused", "what_the_host_keeps_is_guarded"),
    ),
    "a host that loses what stands beside the text": (
        """
        class Bad(Mine):
            async def once(self, rails, request):
                answer = await super().once(rails, request)
                return dataclasses.replace(answer, usage=None, finish="stop", id="1", tool=None)
        """,
        ("usage_is_kept", "the_reason_of_the_end_is_kept", "the_id_of_the_answer_is_kept", "a_clean_tool_call_keeps"),
    ),
    "a host that shows all reasoning": (
        """
        class Bad(Mine):
            async def once(self, rails, request):
                answer = await super().once(rails, request)
                thought = "".join(chunk.reasoning for chunk in request.model.chunks)
                return dataclasses.replace(answer, reasoning=thought)
        """,
        ("reasoning_that_no_rail_guards_is_withheld",),
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_host_fails_the_tests_of_what_it_breaks(pytester, kind):
    source, broken = BAD[kind]
    pytester.makepyfile(GOOD + textwrap.dedent(source) + SUITE)
    chosen = " or ".join(broken)
    result = pytester.runpytest_inprocess("-k", f"TestBad and ({chosen})", "-p", "no:cacheprovider", "-W", "ignore")
    assert result.parseoutcomes().get("failed") == len(broken)
    assert set(result.parseoutcomes()) == {"failed", "deselected"}
