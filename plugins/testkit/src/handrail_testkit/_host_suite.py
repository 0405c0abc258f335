"""What a guard inside a host must do: subclass `HostConformance`, say how to ask the host, and run pytest."""

# ruff: noqa: S101  # these are tests, which authors of hosts run

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

import anyio
import pytest
from handrail import Chunk, ToolCallDelta, Usage

from handrail_testkit._conformance import Conformance
from handrail_testkit._host_case import (
    FORBIDDEN,
    MASK,
    PROMPT,
    REFUSAL,
    SECRET,
    HostAnswer,
    HostCase,
    HostModel,
    HostRequest,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handrail_testkit._host_case import HostRails

_USAGE = Usage(11, 7)
_CLEAN = 'The sea is wide, "deep" and blue: \\ 100 % übermäßig 🙂\n\n- one\n- two\tthree\r\n' * 2
_LONG = "The sea is wide and deep, and ships go out to it every morning. " * 4
_CALL = ("look_up", "call_1")
_OFFSETS = range(40)
_SIZES = (1, 3, 7, 1000)


class HostConformance(Conformance, suite=True):
    """Tests of one host with a guard in it. A subclass overrides the fixture `case`, and no test.

    What a host cannot promise is named in `expected_failures`, with the reason; the table of hosts shows it so.
    """

    prompt: ClassVar[float] = PROMPT
    """Seconds in which an answer must end, or be stopped."""

    @pytest.fixture
    def case(self) -> HostCase:
        """Return how the host is asked."""
        raise NotImplementedError("override the fixture 'case' so that it returns a HostCase with your host")

    # What is clean

    async def test_clean_text_is_delivered_as_it_came(self, case: HostCase) -> None:
        """Every character arrives once and in order, however the model cut the text."""
        for size in _SIZES:
            answer = await self._ask(case, _text(_CLEAN, size))
            assert (answer.ended, answer.text) == ("complete", _CLEAN)

    async def test_clean_text_of_a_whole_answer_is_delivered_as_it_came(self, case: HostCase) -> None:
        """An answer that is not streamed is the same text."""
        answer = await self._ask(case, _text(_CLEAN, 7), streams=False)
        assert (answer.ended, answer.text) == ("complete", _CLEAN)

    async def test_clean_json_is_delivered_as_it_came(self, case: HostCase) -> None:
        """A text that is JSON keeps its bytes: escapes, spaces and the order of its keys."""
        text = '{ "b" : [1, 2.50, null], "a": "\\u00e9\\n\\"x\\"" }'
        for size in _SIZES:
            answer = await self._ask(case, _text(text, size))
            assert (answer.ended, answer.text) == ("complete", text)

    async def test_a_clean_tool_call_keeps_its_arguments_name_and_id(self, case: HostCase) -> None:
        """The arguments arrive byte for byte, and the call can be answered by its id."""
        arguments = '{"query": "the \\u0073ea\\n", "n": [1, 2], "deep": {"x": null}}'
        for size in _SIZES:
            answer = await self._ask(case, _tool(arguments, size))
            assert (answer.ended, answer.tool, answer.arguments) == ("complete", _CALL, arguments)

    async def test_a_tool_call_of_a_whole_answer_is_kept(self, case: HostCase) -> None:
        """An answer that is not streamed keeps its tool call."""
        answer = await self._ask(case, _tool('{"query": "x"}', 5), streams=False)
        assert (answer.ended, answer.tool, answer.arguments) == ("complete", _CALL, '{"query": "x"}')

    async def test_usage_is_kept(self, case: HostCase) -> None:
        """The tokens that the model told arrive, for streams and for whole answers."""
        for streams in (True, False):
            answer = await self._ask(case, _text("Good morning.", 4), streams=streams)
            assert answer.usage == _USAGE

    async def test_the_reason_of_the_end_is_kept(self, case: HostCase) -> None:
        """An answer that was cut off is told as cut off, and one that is complete as complete."""
        for reason in ("stop", "length"):
            assert (await self._ask(case, _text("Good morning.", 4, finish=reason))).finish == reason

    async def test_the_id_of_the_answer_is_kept(self, case: HostCase) -> None:
        """The answer can be found by its id in the records of the model's server."""
        assert (await self._ask(case, _text("Good morning.", 4))).id == "answer_1"

    async def test_text_is_delivered_while_the_model_still_writes(self, case: HostCase) -> None:
        """What is cleared goes out at once; the guard does not wait for the end of the answer."""
        model = HostModel(_pieces(_LONG, 8), waits=True)
        answer = await self._run(case, HostRequest(model, leaves=True))
        assert answer.text
        assert _LONG.startswith(answer.text)

    # What is refused

    async def test_a_violation_at_every_place_of_a_text_is_withheld(self, case: HostCase) -> None:
        """Not a character is delivered of what a rail refuses, wherever it begins and however it is cut."""
        for rails in ("windows", "session"):
            for before, size in _places():
                answer = await self._ask(case, _text(f"{before}{FORBIDDEN} and more of it", size), rails=rails)
                _assert_withheld(answer, before)

    async def test_a_violation_in_a_whole_answer_is_withheld(self, case: HostCase) -> None:
        """An answer that is not streamed is judged, too."""
        for rails in ("windows", "session"):
            answer = await self._ask(case, _text(f"{_LONG}{FORBIDDEN}", 9), rails=rails, streams=False)
            _assert_withheld(answer, _LONG)

    async def test_a_violation_at_every_place_of_a_tool_call_is_withheld(self, case: HostCase) -> None:
        """Arguments are judged as what they say, and no tool runs with arguments that a rail refuses."""
        for before, size in _places():
            arguments = json.dumps({"query": f"{before}{FORBIDDEN}", "n": 1})
            answer = await self._ask(case, _tool(arguments, size))
            assert answer.ended == "refused"
            assert FORBIDDEN[:4] not in answer.arguments

    async def test_a_violation_in_escapes_of_a_tool_call_is_withheld(self, case: HostCase) -> None:
        """`\\u0066orbidden` is read as `forbidden`, so it is judged as that."""
        escaped = "".join(f"\\u{ord(letter):04x}" for letter in FORBIDDEN)
        answer = await self._ask(case, _tool('{"query": "' + escaped + '"}', 3))
        assert answer.ended == "refused"
        assert "\\u0066\\u006f" not in answer.arguments

    async def test_a_violation_in_a_tool_call_of_a_whole_answer_is_withheld(self, case: HostCase) -> None:
        """An answer that is not streamed has its tool calls judged, too."""
        answer = await self._ask(case, _tool(json.dumps({"query": FORBIDDEN}), 5), streams=False)
        assert (answer.ended, answer.arguments) == ("refused", "")

    async def test_a_violation_at_every_place_of_json_is_withheld(self, case: HostCase) -> None:
        """A text that is JSON is no way around a rail."""
        for before, size in _places():
            text = json.dumps({"answer": f"{before}{FORBIDDEN}"})
            _assert_withheld(await self._ask(case, _text(text, size)), text[: text.index(FORBIDDEN)])

    async def test_what_a_rail_replaces_is_replaced(self, case: HostCase) -> None:
        """The reader gets the text that the rails made of the answer, streamed or whole."""
        for streams in (True, False):
            answer = await self._ask(case, _text(f"It is {SECRET}, ok?", 2), rails="masking", streams=streams)
            assert (answer.ended, answer.text) == ("complete", f"It is {MASK}, ok?")

    async def test_a_reader_is_told_of_a_refusal_and_not_what_was_refused(
        self, case: HostCase, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A refusal is told apart from a failure; neither an error nor a log has the words that were refused."""
        caplog.set_level("DEBUG")
        answer = await self._ask(case, _text(f"Well. {FORBIDDEN}", 5))
        assert answer.ended == "refused"
        assert REFUSAL in answer.text + answer.shown
        logged = [record.getMessage() for record in caplog.records if record.name.startswith("handrail")]
        assert FORBIDDEN not in answer.shown + "".join(logged)

    async def test_what_the_host_keeps_is_guarded(self, case: HostCase) -> None:
        """What goes into the conversation, and back to the model, is what the reader got."""
        answer = await self._ask(case, _text(f"It is {SECRET}, ok?", 2), rails="masking")
        assert answer.kept == f"It is {MASK}, ok?"

    async def test_reasoning_that_no_rail_guards_is_withheld(self, case: HostCase) -> None:
        """Where rails guard an answer and none of them its reasoning, the reasoning is not delivered."""
        thought = [Chunk(reasoning=f"They ask for {FORBIDDEN}.")]
        answer = await self._run(case, HostRequest(HostModel([*thought, *_pieces("Good morning.", 4)])))
        assert (answer.ended, answer.text, answer.reasoning) == ("complete", "Good morning.", "")

    async def test_a_message_that_is_refused_never_reaches_the_model(self, case: HostCase) -> None:
        """Input rails run before the model is asked, for streams and for whole answers."""
        for streams in (True, False):
            model = HostModel(_pieces("Good morning.", 4))
            request = HostRequest(model, rails="input", message=f"Tell me of {FORBIDDEN}.", streams=streams)
            assert (await self._run(case, request)).ended == "refused"
            assert model.requests == 0

    # How it ends

    async def test_a_refusal_stops_the_model(self, case: HostCase) -> None:
        """A model that would go on forever is closed, and the answer ends."""
        model = HostModel(_pieces(f"{_LONG}{FORBIDDEN} " + _LONG, 4), waits=True)
        answer = await self._run(case, HostRequest(model))
        assert answer.ended == "refused"
        assert await model.has_stopped(self.prompt)

    async def test_a_reader_who_leaves_stops_the_model(self, case: HostCase) -> None:
        """Leaving an answer in its middle closes the model's stream."""
        model = HostModel(_pieces(_LONG, 4), waits=True)
        assert (await self._run(case, HostRequest(model, leaves=True))).ended == "left"
        assert await model.has_stopped(self.prompt)

    async def test_a_rail_that_fails_lets_nothing_through(self, case: HostCase) -> None:
        """The reader gets nothing of the answer, and is told of a failure; its words do not show what was judged."""
        for streams in (True, False):
            answer = await self._ask(case, _text(_LONG, 6), rails="failing", streams=streams)
            assert answer.ended == "failed"
            assert "sea" not in answer.text + answer.arguments + answer.shown

    async def test_a_model_that_breaks_off_is_not_told_as_complete(self, case: HostCase) -> None:
        """What was cleared may have been delivered; the end is a failure."""
        model = HostModel(_pieces(_LONG, 6, end=False), breaks=True)
        answer = await self._run(case, HostRequest(model))
        assert answer.ended == "failed"
        assert _LONG.startswith(answer.text)

    async def test_a_second_attempt_of_the_host_is_guarded(self, case: HostCase) -> None:
        """Where the host asks again after a failure, the second answer is judged like the first."""
        model = HostModel(_pieces(f"Well. {FORBIDDEN}", 5), failures=1)
        answer = await self._run(case, HostRequest(model))
        assert model.requests == 2, "the host did not ask again"
        _assert_withheld(answer, "Well. ")

    async def test_answers_at_the_same_time_do_not_mix(self, case: HostCase) -> None:
        """Nothing of one answer is seen, judged or told in another."""
        texts = [f"{number} " * 30 + (FORBIDDEN if number % 2 else "is all.") for number in range(6)]
        answers: dict[str, HostAnswer] = {}

        async def ask(text: str) -> None:
            answers[text] = await self._ask(case, _text(text, 5))

        async with anyio.create_task_group() as tasks:
            for text in texts:
                tasks.start_soon(ask, text)
        for text in texts:
            if FORBIDDEN in text:
                _assert_withheld(answers[text], text.removesuffix(FORBIDDEN))
            else:
                assert (answers[text].ended, answers[text].text) == ("complete", text)

    async def _ask(
        self, case: HostCase, model: HostModel, *, rails: HostRails = "windows", streams: bool = True
    ) -> HostAnswer:
        return await self._run(case, HostRequest(model, rails=rails, streams=streams))

    async def _run(self, case: HostCase, request: HostRequest) -> HostAnswer:
        with anyio.fail_after(self.prompt):
            return await case.ask(request)


def _pieces(text: str, size: int, *, end: bool = True, finish: str = "stop") -> list[Chunk]:
    chunks = [Chunk(text[at : at + size]) for at in range(0, len(text), size)]
    chunks[0] = Chunk(chunks[0].text, metadata={"id": "answer_1"})
    return [*chunks, Chunk(finish_reason=finish, usage=_USAGE)] if end else chunks


def _text(text: str, size: int, *, finish: str = "stop") -> HostModel:
    return HostModel(_pieces(text, size, finish=finish))


def _tool(arguments: str, size: int) -> HostModel:
    name, id_ = _CALL
    opening = Chunk(tool_calls=(ToolCallDelta(0, id_, name),), metadata={"id": "answer_1"})
    parts = [
        Chunk(tool_calls=(ToolCallDelta(0, arguments=arguments[at : at + size]),))
        for at in range(0, len(arguments), size)
    ]
    return HostModel([opening, *parts, Chunk(finish_reason="tool_calls", usage=_USAGE)])


def _places() -> Iterator[tuple[str, int]]:
    for number, offset in enumerate(_OFFSETS):
        yield _LONG[:offset], _SIZES[number % len(_SIZES)]


def _assert_withheld(answer: HostAnswer, before: str) -> None:
    assert answer.ended == "refused"
    delivered = answer.text.removesuffix(REFUSAL)
    assert before.startswith((delivered, delivered.removesuffix("\n\n"))), answer.text
    assert FORBIDDEN[:4] not in answer.shown
