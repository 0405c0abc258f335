from __future__ import annotations

import io

import pytest
from handrail import (
    Blocked,
    Finished,
    GenerationResponse,
    RailFailed,
    ReasoningDelta,
    Retraction,
    TextDelta,
    ToolCallDelta,
)
from handrail.errors import ProviderRateLimitError
from handrail_cli import Answer, JsonLines, Notes, Screen, notes_console


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Shown:
    """What a screen writes: text on `out`, notes on `beside`."""

    def __init__(self, *, terminal: bool = False, verbose: bool = False) -> None:
        self.out = Terminal() if terminal else io.StringIO()
        self.beside = self.out if terminal else io.StringIO()
        console = notes_console(self.beside)
        self.screen = Screen(self.out, Notes(console), verbose=verbose)
        self.screen.begin()

    def show(self, *events: object) -> tuple[str, str]:
        for event in events:
            self.screen.show(event)
        return self.out.getvalue(), self.beside.getvalue()


@pytest.fixture(autouse=True)
def terminal_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setenv("TERM", "xterm-256color")


def test_text_goes_to_the_output_and_everything_else_beside_it():
    block = Blocked("no curse", "output", "somebody cursed", "rude")
    assert Shown().show(TextDelta("One ", 0), TextDelta("two", 4), block) == (
        "One two\n",
        "[blocked] The rail 'no curse' refused the answer (rude): somebody cursed\n",
    )


def test_a_refused_message_comes_with_the_refusal():
    _, notes = Shown().show(Blocked("no curse", "input", "", message="I'm sorry."))
    assert notes == "[blocked] The rail 'no curse' refused your message\n  I'm sorry.\n"


def test_a_refusal_does_not_follow_half_an_answer():
    _, notes = Shown().show(TextDelta("Half an", 0), Blocked("no curse", "output", "", message="I'm sorry."))
    assert "I'm sorry." not in notes


@pytest.mark.parametrize(("late", "how"), [(False, "failed"), (True, "did not answer in time")])
def test_a_rail_that_failed_is_no_refusal(late: bool, how: str):
    _, notes = Shown().show(RailFailed("explode", "output", "boom", timed_out=late))
    assert notes == f"[rail failed] The rail 'explode' {how}, so the answer was not let through: boom\n"


def test_an_error_of_the_model_is_shown_with_what_its_support_needs():
    shown = Shown()
    shown.screen.fail(ProviderRateLimitError("too many", status=429, request_id="r-1", retry_after=7.0))
    assert shown.beside.getvalue() == ("[model error] too many (HTTP status 429, request r-1, retry after 7.0)\n")


def test_an_unexpected_error_is_named_and_traced_only_if_asked_for():
    for verbose in (False, True):
        shown = Shown(verbose=verbose)
        shown.screen.fail(KeyError("what"))
        assert shown.beside.getvalue().startswith("[model error] KeyError: 'what'\n")
        assert shown.beside.getvalue().count("\n") == (2 if verbose else 1)


def test_reasoning_stands_beside_the_text_on_lines_of_its_own():
    events = (TextDelta("So", 0), ReasoningDelta("Hm, "), ReasoningDelta("well."), TextDelta(" it is.", 2))
    assert Shown().show(*events) == ("So\n it is.", "Hm, well.\n")


def test_tool_calls_are_put_together_and_shown_at_the_end():
    calls = (
        ToolCallDelta(0, "id", "look_up", '{"a":'),
        ToolCallDelta(1, "id", "stop"),
        ToolCallDelta(0, None, None, "1}"),
    )
    assert Shown().show(*calls, Finished("tool_calls")) == ("", '[tool call] look_up({"a":1})\n[tool call] stop()\n')


def test_an_empty_answer_and_one_that_was_cut_are_told():
    assert Shown().show(Finished("stop"))[1] == "[empty] The model returned an empty answer.\n"
    assert "[cut]" in Shown().show(TextDelta("half", 0), Finished("length"))[1]


def test_a_retraction_without_a_terminal_is_told():
    _, notes = Shown().show(TextDelta("Fine. Not fine.", 0), Retraction(6, 15))
    assert notes == "[withdrawn] 9 characters of the answer that had been shown must be disregarded.\n"


def test_a_retraction_erases_the_text_from_a_terminal():
    text, _ = Shown(terminal=True).show(TextDelta("Fine. Not fine.", 0), Retraction(6, 15))
    assert text.startswith("Fine. Not fine.\r\x1b[6C\x1b[J\n")
    assert "9 characters of the answer that had been shown were erased again." in text


def test_a_retraction_of_text_above_a_note_is_only_told():
    text, _ = Shown(terminal=True).show(TextDelta("Not fine.", 0), ReasoningDelta("Hm"), Retraction(0, 9))
    assert "must be disregarded" in text


def test_erasing_counts_characters_as_they_were_written():
    text, _ = Shown(terminal=True).show(TextDelta("\x9b\tFine. Not.", 0), Retraction(8, 12))
    assert "\r\x1b[16C\x1b[J" in text  # the first character is written with six, the second with four


def test_markup_and_control_characters_are_shown_as_they_are():
    for terminal in (False, True):
        text, _ = Shown(terminal=terminal).show(TextDelta("[red]x[/] :smile: \x1b[2J", 0))
        assert text == "[red]x[/] :smile: ␛[2J"


def test_what_rails_say_is_made_harmless_too():
    _, notes = Shown().show(Blocked("no [red]curse", "output", "\x1b[2J [blink]", ":smile:"))
    assert notes == "[blocked] The rail 'no [red]curse' refused the answer (:smile:): ␛[2J [blink]\n"


def test_a_tag_is_coloured_on_a_terminal_so_that_no_text_can_pass_for_one():
    text, _ = Shown(terminal=True).show(TextDelta("[blocked] no", 0), Blocked("r", "output"))
    assert text.count("[blocked]") == 2
    assert "\n\x1b[1;31m[blocked]\x1b[0m" in text
    assert text.startswith("[blocked] no\n")


def test_an_answer_starts_with_a_page_of_its_own():
    shown = Shown(terminal=True)
    shown.show(TextDelta("One.", 0), Finished())
    shown.screen.stop()
    shown.screen.begin()
    text, _ = shown.show(TextDelta("Two.", 0), Retraction(0, 4))
    assert "Two.\r\x1b[J" in text


def test_events_are_written_as_json_lines_that_no_text_can_break():
    out = io.StringIO()
    view = JsonLines(out, Notes(notes_console(io.StringIO())))
    view.show(TextDelta('a"\n{}\x1b\u2028', 0))
    view.show(Finished("stop", None, {"id": object, 1: {2}}))
    first, second = out.getvalue().splitlines()
    assert first == '{"event": "text", "text": "a\\"\\n{}\\u001b\\u2028", "start": 0, "kind": "text"}'
    assert second.startswith('{"event": "finished", "finish_reason": "stop", "usage": null, "metadata": {"id": "<class')


def test_what_an_answer_waits_for_is_shown_and_taken_away_again():
    shown = Shown(terminal=True)
    shown.screen.wait(0, 0.1)
    shown.screen.wait(12, 0.2)
    waiting = shown.out.getvalue()
    assert "waiting for the first words, 0.1 s" in waiting
    assert waiting.endswith("12 characters held until the rails have checked them, 0.2 s\x1b[0m")
    shown.show(TextDelta("Hello", 0))
    assert shown.out.getvalue().removeprefix(waiting) == "\r\x1b[KHello"


@pytest.mark.parametrize("event", [Blocked("no curse", "output", "rude"), ReasoningDelta("Hm."), Finished("stop")])
def test_whatever_comes_first_takes_the_waiting_line_away(event: object):
    shown = Shown(terminal=True)
    shown.screen.wait(0, 0.1)
    waiting = shown.out.getvalue()
    shown.show(event)
    assert shown.out.getvalue().removeprefix(waiting).startswith("\r\x1b[K")


def test_an_answer_that_ends_takes_the_waiting_line_away():
    shown = Shown(terminal=True)
    shown.screen.wait(0, 0.1)
    shown.screen.end(Answer(GenerationResponse(outcome="finished"), 0.1))
    assert shown.out.getvalue().endswith("\r\x1b[K")


def test_no_line_of_waiting_is_written_into_a_line_of_text():
    shown = Shown(terminal=True)
    before = shown.show(TextDelta("Hello", 0))
    shown.screen.wait(3, 1.0)
    assert shown.show() == before


def test_a_pipe_is_not_told_what_an_answer_waits_for():
    shown = Shown()
    shown.screen.wait(0, 0.1)
    assert shown.show() == ("", "")


def test_an_output_that_is_a_pipe_stays_clean_although_a_terminal_shows_the_waiting():
    out, beside = io.StringIO(), Terminal()
    screen = Screen(out, Notes(notes_console(beside)))
    screen.begin()
    screen.wait(0, 0.1)
    screen.show(TextDelta("Hello", 0))
    assert out.getvalue() == "Hello"
    assert beside.getvalue().endswith("\r\x1b[K")


def test_a_dumb_terminal_shows_no_waiting(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "dumb")
    shown = Shown(terminal=True)
    shown.screen.wait(0, 0.1)
    assert shown.out.getvalue() == ""
