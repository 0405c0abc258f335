"""What a configuration's folder defines itself: Python that is run, engines, rails with an installed one's name."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from handrail import ConfigurationError
from nemoguardrails import LLMRails, RailsConfig

CONFIG_PY = """
from nemoguardrails.llm.providers import register_llm_provider

class Echo:
    def __init__(self, model):
        self.model = model

    async def astream(self, messages, **parameters):
        yield f"{self.model} heard "
        yield messages[-1]["content"]

def check_words(bot_message, words):
    return not any(word in bot_message for word in words)

def init(app):
    register_llm_provider("echo", Echo)
    app.register_action(check_words).register_action_param("words", app.config.custom_data["words"])
"""
RAILS_CO = """
define flow check words
  $allowed = execute check_words(bot_message=$bot_message)
  if not $allowed
    bot refuse to respond
    stop
"""
WITH_CONFIG_PY = """
models: [{type: main, engine: echo, model: Echo}]
words: [bleach]
rails: {output: {flows: [check words], streaming: {enabled: True}}}
"""


@pytest.fixture
def own_code(tmp_path):
    """A folder whose `config.py` registers an engine, an action and a parameter."""
    for name, text in (("config.yml", WITH_CONFIG_PY), ("config.py", CONFIG_PY), ("rails.co", RAILS_CO)):
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


@pytest.mark.usefixtures("nothing_registered")
async def test_init_registers_before_models_and_rails_are_built(own_code):
    rails = LLMRails(RailsConfig.from_path(own_code))
    assert await rails.generate_async("Hello") == "Echo heard Hello"
    assert await rails.generate_async("bleach") == "I'm sorry, I can't respond to that."


def test_the_commands_see_what_the_configuration_registers(own_code):
    program = str(Path(sys.executable).with_name("nemoguardrails"))
    for message, code, said in (("Hello", 0, "Echo heard Hello"), ("bleach", 3, "refused the answer")):
        command = [program, "chat", str(own_code), "--streaming", "--message", message]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == code, done.stderr
        assert said in done.stdout + done.stderr
    checked = subprocess.run(
        [program, "check", own_code], capture_output=True, text=True, timeout=300, check=True
    ).stdout
    assert "echo/Echo" in checked


def test_a_rail_that_the_configuration_defines_itself_is_said_to_take_the_installed_ones_place(settings, tmp_path):
    (tmp_path / "config.yml").write_text(json.dumps(settings()), "utf-8")
    flow = "define flow self check output\n  $allowed = execute self_check_output\n  if not $allowed\n    stop"
    (tmp_path / "rails.co").write_text(flow, "utf-8")
    command = [str(Path(sys.executable).with_name("handrail")), "check", tmp_path]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout
    assert re.search(r"self check output +handrail-colang \S+, in place of handrail-self-check \S+ ", checked)


def test_documents_that_are_not_looked_up_are_told(settings, tmp_path, caplog):
    (tmp_path / "config.yml").write_text(json.dumps(settings(stream_first=False)), "utf-8")
    LLMRails(RailsConfig.from_path(tmp_path))
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    (tmp_path / "kb").mkdir()
    LLMRails(RailsConfig.from_path(tmp_path))
    assert "kb: documents are not looked up" in caplog.text


BAD_CODE = {
    "it raises": ("x = 1\nraise RuntimeError('offline')", r"config\.py:2:1: it raised RuntimeError: offline"),
    "its init raises": ("def init(app):\n    app.nothing()", r"config\.py:2:1: init\(app\) raised AttributeError"),
    "it is no Python": ("def init(app:", r"config\.py:1:1: it raised SyntaxError"),
}


@pytest.mark.parametrize(("code", "message"), BAD_CODE.values(), ids=BAD_CODE)
def test_python_that_cannot_be_run_is_told_with_its_line(tmp_path, code, message):
    (tmp_path / "config.yml").write_text("models: []", "utf-8")
    (tmp_path / "config.py").write_text(code, "utf-8")
    with pytest.raises(ConfigurationError, match=message):
        LLMRails(RailsConfig.from_path(tmp_path))


def test_a_prompt_that_is_missing_is_told_with_its_place(settings, tmp_path):
    (tmp_path / "config.yml").write_text(yaml.safe_dump({**settings(), "prompts": []}), "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        LLMRails(RailsConfig.from_path(tmp_path))
    (problem,) = caught.value.problems
    assert re.match(r".*config\.yml:\d+:\d+: no prompt for the task 'self_check_output'", problem)
