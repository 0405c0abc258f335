from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from handrail_cli import ExitCode
from handrail_cli.app import run

Configuration = Callable[..., str]
Capture = pytest.CaptureFixture[str]

pytestmark = pytest.mark.usefixtures("own_plugin")
WAYS = pytest.mark.parametrize("way", [[], ["--streaming"]], ids=["whole", "streaming"])


def ask(path: str, message: str, *options: str) -> int:
    return run(["chat", path, "--message", message, *options])


@WAYS
def test_an_answer_is_all_that_goes_to_the_output(configuration: Configuration, capsys: Capture, way: list[str]):
    assert ask(configuration("nothing wrong"), "hello", *way) == ExitCode.OK
    assert capsys.readouterr() == ("Hello there, friend.\n", "")


@WAYS
def test_a_stream_rail_rewrites_the_answer(configuration: Configuration, capsys: Capture, way: list[str]):
    assert ask(configuration("shout"), "hello", *way) == ExitCode.OK
    assert capsys.readouterr().out == "HELLO THERE, FRIEND.\n"


def test_a_blocked_stream_ends_before_what_was_blocked(configuration: Configuration, capsys: Capture):
    assert ask(configuration("no curse"), "bad", "--streaming") == ExitCode.BLOCKED
    text, notes = capsys.readouterr()
    assert text.startswith("This is fine")
    assert "curse" not in text
    assert notes == "[blocked] The rail 'no curse' refused the answer (rude): somebody cursed ␛[2J\n"


def test_a_blocked_answer_that_is_generated_whole_is_not_shown_at_all(configuration: Configuration, capsys: Capture):
    assert ask(configuration("no curse"), "bad") == ExitCode.BLOCKED
    text, notes = capsys.readouterr()
    assert text == ""
    assert notes.startswith("[blocked] The rail 'no curse' refused the answer")


@WAYS
def test_a_blocked_message_is_not_answered(configuration: Configuration, capsys: Capture, way: list[str]):
    assert ask(configuration(on_input=("no curse",)), "hello, curse", *way) == ExitCode.BLOCKED
    text, notes = capsys.readouterr()
    assert text == ""
    assert notes.startswith("[blocked] The rail 'no curse' refused your message (rude)")
    assert "I'm sorry, I can't respond to that." in notes


@WAYS
def test_a_rail_that_fails_is_no_block(configuration: Configuration, capsys: Capture, way: list[str]):
    assert ask(configuration("explode"), "hello", *way) == ExitCode.RAIL_FAILED
    text, notes = capsys.readouterr()
    assert text == ""
    assert notes.startswith("[rail failed] The rail 'explode' failed")
    assert "handrail-of-tests 1.0" in notes
    assert r"boom \x1b[2J" in notes


def test_a_model_that_breaks_is_told_after_what_it_has_said(configuration: Configuration, capsys: Capture):
    assert ask(configuration(), "broken", "--streaming") == ExitCode.MODEL_FAILED
    assert capsys.readouterr() == ("This one ends in the\n", "[model error] line cut\n")


def test_a_model_that_breaks_leaves_no_half_of_a_whole_answer(configuration: Configuration, capsys: Capture):
    assert ask(configuration(), "broken") == ExitCode.MODEL_FAILED
    assert capsys.readouterr() == ("", "[model error] line cut\n")


def test_an_error_says_when_to_try_again(configuration: Configuration, capsys: Capture):
    assert ask(configuration(), "limit", "--streaming") == ExitCode.MODEL_FAILED
    assert "retry after 7" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        ("not chunks", "handrail-of-tests 1.0: the provider yielded 'str'"),
        ("impolite", "KeyError: 'what'"),
    ],
)
def test_a_provider_at_fault_is_named_without_a_traceback(
    configuration: Configuration, capsys: Capture, engine: str, said: str
):
    assert ask(configuration(), "hello", "--streaming", "--model", f"{engine}/x") == ExitCode.MODEL_FAILED
    notes = capsys.readouterr().err
    assert said in notes
    assert "Traceback" not in notes


def test_a_failure_that_the_configuration_lets_pass_is_logged(configuration: Configuration, capsys: Capture):
    path = configuration("explode", rail_config={"explode": {"on_error": "allow"}})
    assert ask(path, "hello", "--streaming", "--verbose") == ExitCode.OK
    text, notes = capsys.readouterr()
    assert text == "Hello there, friend.\n"
    assert "[warning] rail 'explode' failed, and its configuration lets the text pass: RuntimeError" in notes
    assert "\x1b" not in notes
    assert "failed, let pass by on_error" in notes
    assert logging.getLogger("handrail").propagate


def test_a_retraction_is_told(configuration: Configuration, capsys: Capture):
    path = configuration("no curse", streaming={"stream_first": True}, chunking="word")
    assert ask(path, "bad", "--streaming") == ExitCode.BLOCKED
    assert "[withdrawn]" in capsys.readouterr().err


def test_reasoning_is_no_part_of_the_answer(configuration: Configuration, capsys: Capture):
    assert ask(configuration(), "think", "--streaming") == ExitCode.OK
    assert capsys.readouterr() == ("Done.\n", "Let me see.\n")


def test_reasoning_that_no_rail_guards_is_withheld_where_rails_guard_the_answer(
    configuration: Configuration, capsys: Capture
):
    for flags in ([], ["--streaming"], ["--json", "--streaming"]):
        assert ask(configuration("no curse"), "think", *flags) == ExitCode.OK
        out, notes = capsys.readouterr()
        assert "Let me see" not in out + notes
        assert "deliver_unguarded" in out + notes
    guarded = configuration("no curse", rail_config={"no curse": {"channels": ["text", "reasoning"]}})
    assert ask(guarded, "think", "--streaming") == ExitCode.OK
    assert capsys.readouterr() == ("Done.\n", "Let me see.\n")


def test_tool_calls_are_shown(configuration: Configuration, capsys: Capture):
    assert ask(configuration(), "tool") == ExitCode.OK
    assert capsys.readouterr().err == '[tool call] look_up({"word": "rail"})\n'


def test_model_text_is_neither_markup_nor_control_sequence(configuration: Configuration, capsys: Capture):
    assert ask(configuration(), "markup") == ExitCode.OK
    assert capsys.readouterr().out == "[bold red]loud[/] :smile: ␛[31mred␛[0m \\u009b2J \\u202etxt\n"


def test_verbose_shows_checks_tokens_and_times(configuration: Configuration, capsys: Capture):
    assert ask(configuration("no curse"), "bad", "--streaming", "--verbose") == ExitCode.BLOCKED
    lines = capsys.readouterr().err.splitlines()
    checks = [line for line in lines if line.startswith("check")]
    assert len(checks) > 1
    assert all("no curse  output" in line and " ms" in line for line in checks)
    assert any("block" in line and "somebody cursed" in line for line in checks)
    assert any(line.startswith("tokens  general  scripted/parrot  1 request  ") for line in lines)
    assert lines[-1].startswith("time    first text 0.")
    assert lines[-1].endswith(f"{len(checks)} checks")


def events(capsys: Capture) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_json_has_an_event_a_line(configuration: Configuration, capsys: Capture):
    assert ask(configuration("no curse"), "bad", "--streaming", "--json", "--verbose") == ExitCode.BLOCKED
    found = events(capsys)
    kinds = [event["event"] for event in found]
    assert kinds[0] == "text"
    assert set(kinds) == {"text", "blocked", "check", "request", "times"}
    text = "".join(str(event["text"]) for event in found if event["event"] == "text")
    assert text.startswith("This is fine")
    block = next(event for event in found if event["event"] == "blocked")
    assert (block["rail"], block["direction"], block["category"]) == ("no curse", "output", "rude")


def test_json_of_other_endings(configuration: Configuration, capsys: Capture):
    assert ask(configuration(), "hello", "--json") == ExitCode.OK
    assert events(capsys)[-1]["finish_reason"] == "stop"
    assert ask(configuration(), "limit", "--json") == ExitCode.MODEL_FAILED
    assert events(capsys) == [
        {"event": "error", "type": "ProviderRateLimitError", "message": "too many", "status": 429,
         "code": "rate_limit_exceeded", "retry_after": 7.0}
    ]  # fmt: skip
    assert ask(configuration("explode"), "hello", "--json") == ExitCode.RAIL_FAILED
    assert [event["event"] for event in events(capsys)] == ["rail_failed"]
    assert ask(configuration(), "think", "--json", "--streaming") == ExitCode.OK
    assert "reasoning" in {event["event"] for event in events(capsys)}


def test_a_folder_of_several_configurations_is_refused_and_they_are_named(tmp_path: Path, capsys: Capture):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yml").write_text("models: []", "utf-8")
    for command in ("chat", "doctor"):
        assert run([command, str(tmp_path)]) == ExitCode.USAGE
        told = f"has several configurations; name one of '{tmp_path / 'a'}', '{tmp_path / 'b'}'"
        assert told in capsys.readouterr().err.replace("\n", " ")


def test_streaming_must_be_enabled_by_the_configuration(configuration: Configuration, capsys: Capture):
    path = configuration("no curse", streaming={"enabled": False})
    assert ask(path, "hello", "--streaming") == ExitCode.USAGE
    assert "rails.output.streaming.enabled" in capsys.readouterr().err
    assert ask(path, "hello") == ExitCode.OK


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no configuration given"),
        (["a", "--config", "b"], "configuration given twice: 'a' and --config 'b'"),
        (["{path}", "--message", " "], "--message is empty"),
        (["{path}", "--model", "scripted"], "--model is 'scripted'; write ENGINE/MODEL"),
        (["{path}", "--model", "scriptde/x"], "unknown engine 'scriptde'; did you mean 'scripted'?"),
        (["/no/such/place"], "no such file or folder"),
    ],
)
def test_what_cannot_be_used_is_said(configuration: Configuration, capsys: Capture, arguments: list[str], said: str):
    path = configuration()
    assert run(["chat", *(argument.format(path=path) for argument in arguments)]) == ExitCode.USAGE
    text, error = capsys.readouterr()
    assert text == ""
    assert error.startswith("handrail: ")
    assert said in error


def test_a_configuration_without_a_main_model_cannot_chat(tmp_path: Path, capsys: Capture):
    file = tmp_path / "config.yml"
    file.write_text("rails: {}\n")
    assert ask(str(file), "hello") == ExitCode.USAGE
    assert "no model of type 'main'" in capsys.readouterr().err


def test_every_problem_is_listed_with_its_place_at_the_beginning_of_a_line(
    configuration: Configuration, capsys: Capture
):
    path = configuration("no cruse", on_input=("explod",))
    assert ask(path, "hello") == ExitCode.USAGE
    first, *problems = capsys.readouterr().err.splitlines()
    assert first == "handrail: 2 problems"
    assert [problem.split(":")[0] for problem in problems] == [path, path]


def test_another_model_keeps_the_parameters_of_the_same_engine(configuration: Configuration, capsys: Capture):
    assert ask(configuration(), "hello", "--model", "scripted/other/name", "--verbose") == ExitCode.OK
    text, notes = capsys.readouterr()
    assert text == "Hello there, friend.\n"
    assert "scripted/other/name" in notes


def chat_with(lines: str, monkeypatch: pytest.MonkeyPatch, path: str, *options: str) -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
    return run(["chat", path, *options])


def test_lines_from_a_pipe_are_one_conversation(
    configuration: Configuration, capsys: Capture, monkeypatch: pytest.MonkeyPatch
):
    lines = "my secret is 42\n\nwhat is it?\n/reset\nwhat is it?"
    assert chat_with(lines, monkeypatch, configuration("nothing wrong"), "--streaming") == ExitCode.OK
    text, notes = capsys.readouterr()
    told = "Your secret is known to me, and it stays with me for as long as you like.\n"
    assert text == f"{told}{told}I know nothing of it.\n"
    assert notes == "The conversation starts over.\n"


@pytest.mark.parametrize(("message", "code"), [("bad", 3), ("broken", 5), ("silence", 0)])
def test_a_turn_that_gave_no_answer_is_not_remembered(
    configuration: Configuration, capsys: Capture, monkeypatch: pytest.MonkeyPatch, message: str, code: int
):
    path = configuration("no curse")
    assert chat_with(f"{message}; my secret is 42\nwhat is it?\n", monkeypatch, path, "--streaming") == code
    assert capsys.readouterr().out.endswith("I know nothing of it.\n")


def test_a_message_that_a_rail_has_rewritten_is_never_sent_unrewritten(
    configuration: Configuration, capsys: Capture, monkeypatch: pytest.MonkeyPatch
):
    path = configuration(on_input=("no numbers",))
    assert chat_with("my secret is 42\nwhat is it?\n", monkeypatch, path) == ExitCode.OK
    text, notes = capsys.readouterr()
    assert text == "I know nothing of it.\nI know nothing of it.\n"
    assert notes == "A rail rewrote your message, so this turn is not remembered.\n"


def test_commands_are_obeyed_and_unknown_ones_explained(
    configuration: Configuration, capsys: Capture, monkeypatch: pytest.MonkeyPatch
):
    lines = "/help\n/hlep me\n/verbose\nhello\n/verbose\n /hello\n/exit\nhello\n"
    assert chat_with(lines, monkeypatch, configuration()) == ExitCode.OK
    text, notes = capsys.readouterr()
    assert text == "Hello there, friend.\nHello there, friend.\n"
    assert "There is no command '/hlep'." in notes
    assert notes.count("/reset") == 2
    assert notes.count("time    first text") == 1
