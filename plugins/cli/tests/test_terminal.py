"""Chats in a real pseudo-terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Configuration = Callable[..., str]
Start = Callable[..., Any]

pytestmark = pytest.mark.usefixtures("own_plugin")

CTRL_C, CTRL_D, UP, ENTER = "\x03", "\x04", "\x1b[A", "\r"
SLOW = {"tokens_per_second": 5}  # so slow that an answer never ends while a test looks at it


def test_a_chat_streams_blocks_and_forgets_what_was_blocked(configuration: Configuration, terminal: Start):
    chat = terminal("chat", configuration("no curse"), "--streaming")
    assert "scripted/parrot, output rails: no curse" in chat.prompt()
    chat.type("hello" + ENTER)
    assert "Hello there, friend.\n" in chat.prompt()
    chat.type("bad, and my secret is 42" + ENTER)
    shown = chat.prompt()
    assert "This is fine" in shown
    assert "[blocked] The rail 'no curse' refused the answer (rude): somebody cursed ␛[2J" in shown
    assert "curse word" not in shown
    assert "\x1b[2J" not in chat.raw
    chat.type("what is it?" + ENTER)
    assert "I know nothing of it." in chat.prompt()
    chat.type(CTRL_D)
    assert chat.code() == 0


def test_text_is_shown_before_the_answer_is_complete(configuration: Configuration, terminal: Start):
    chat = terminal("chat", configuration("nothing wrong", **SLOW), "--streaming")
    chat.prompt()
    chat.type("bad" + ENTER)
    chat.until("This is")
    assert "nobody must see" not in chat.text
    assert not chat.echoes


def test_ctrl_c_stops_the_answer_and_not_the_program(configuration: Configuration, terminal: Start):
    chat = terminal("chat", configuration("nothing wrong", **SLOW), "--streaming")
    chat.prompt()
    chat.type("bad, and my secret is 42" + ENTER)
    chat.until("This is")
    chat.type(CTRL_C)
    assert "[stopped]" in chat.prompt()
    chat.type("what is it?" + ENTER)
    chat.until("Your secret")  # what was shown of a stopped answer is remembered, with its question
    chat.type(CTRL_C)
    chat.until("[stopped]")
    chat.prompt()
    chat.type("/exit" + ENTER)
    assert chat.code() == 0


def test_ctrl_c_twice_ends_the_program(configuration: Configuration, terminal: Start):
    chat = terminal("chat", configuration(**SLOW), "--streaming")
    chat.prompt()
    chat.type("bad" + ENTER)
    chat.until("This")
    chat.type(CTRL_C)
    chat.prompt()
    chat.interrupt()
    assert chat.code() == 130
    assert "Traceback" not in chat.text


def test_at_the_prompt_ctrl_c_drops_the_line_then_warns_then_ends(configuration: Configuration, terminal: Start):
    chat = terminal("chat", configuration())
    chat.prompt()
    chat.type("half a li")
    chat.until("half a li")
    chat.interrupt()
    assert "again" not in chat.prompt()
    chat.interrupt()
    assert "Press Ctrl-C again to leave." in chat.prompt()
    chat.type("hello" + ENTER)
    assert "Hello there" in chat.prompt()
    chat.interrupt()
    assert "Press Ctrl-C again to leave." in chat.prompt()
    chat.interrupt()
    assert chat.code() == 130


def test_ctrl_c_twice_ends_even_a_model_that_does_not_stop(configuration: Configuration, terminal: Start):
    chat = terminal("chat", configuration(), "--streaming", "--model", "stubborn/x")
    chat.prompt()
    chat.type("hello" + ENTER)
    chat.until("I will not be stopped.")
    chat.type(CTRL_C)
    chat.until("The model has not stopped yet. Press Ctrl-C again to leave at once.")
    chat.type(CTRL_C)
    assert chat.code() == 130
    assert chat.echoes


def test_lines_are_edited_and_remembered(
    configuration: Configuration, terminal: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    history = tmp_path / "state" / "history"
    monkeypatch.setenv("HANDRAIL_HISTORY", str(history))
    chat = terminal("chat", configuration())
    chat.prompt()
    chat.type("hexx\x7f\x7fllo" + ENTER)  # the two keys in the middle are backspace
    assert "Hello there" in chat.prompt()
    chat.type(UP + ENTER)
    assert "Hello there" in chat.prompt()
    chat.type(CTRL_D)
    assert chat.code() == 0
    assert history.read_text() == "hello\n"
    assert history.stat().st_mode & 0o777 == 0o600
    again = terminal("chat", configuration())
    again.prompt()
    again.type(UP + ENTER)
    assert "Hello there" in again.prompt()


def test_a_question_on_the_command_line_can_be_stopped_too(configuration: Configuration, terminal: Start):
    chat = terminal("chat", configuration(**SLOW), "--streaming", "--message", "bad")
    chat.until("This")
    chat.type(CTRL_C)
    assert "[stopped]" in chat.rest()
    assert chat.code() == 130


def test_a_retraction_takes_the_text_from_the_screen(configuration: Configuration, terminal: Start):
    path = configuration("no curse", streaming={"stream_first": True, "chunk_size": 40, "first_chunk_size": 30})
    chat = terminal("chat", path, "--streaming", "--message", "bad")
    assert "were erased again" in chat.rest()
    assert "\r\x1b[" in chat.raw
    assert chat.code() == 3


def test_every_kind_of_end_has_a_colour_of_its_own(configuration: Configuration, terminal: Start):
    found = {}
    for flow, message in (("no curse", "bad"), ("explode", "hello"), ("nothing wrong", "broken")):
        chat = terminal("chat", configuration(flow), "--streaming", "--message", message)
        shown = chat.rest()
        tag = shown[shown.index("[") : shown.index("]") + 1]
        found[tag] = chat.raw[: chat.raw.index(tag)].rsplit("\x1b[", 1)[1]
    assert list(found) == ["[blocked]", "[rail failed]", "[model error]"]
    assert len(set(found.values())) == 3


def test_a_chat_shows_what_it_waits_for_until_the_first_words(configuration: Configuration, terminal: Start):
    chat = terminal("chat", configuration("nothing wrong", **SLOW), "--streaming", "--message", "bad")
    chat.until("characters held until the rails have checked them")
    chat.until("This is")
    chat.type(CTRL_C)
    rest = chat.rest()
    assert "held until" not in rest
    assert chat.raw.rindex("\x1b[K") < chat.raw.index("This is")


def test_an_answer_that_is_generated_whole_shows_that_it_is_waited_for(configuration: Configuration, terminal: Start):
    chat = terminal("chat", configuration("nothing wrong", tokens_per_second=20), "--message", "hello")
    chat.until("waiting for the first words")
    assert "Hello there, friend." in chat.rest()
    assert chat.code() == 0


def test_a_variable_is_set_in_a_chat(configuration: Configuration, terminal: Start):
    chat = terminal("chat", configuration(), "--variable", "name=Ada")
    chat.prompt()
    chat.type("/set" + ENTER)
    assert "Context variables: name." in chat.prompt()
    chat.type("/set age:=36" + ENTER)
    assert "Context variables: name, age." in chat.prompt()
    chat.type("/set age:=x" + ENTER)
    assert "variable 'age' is not valid JSON" in chat.prompt()
