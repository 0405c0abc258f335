"""A working folder as a reader of the specification has it, with `./config` or `./path/to/config` in it."""

from __future__ import annotations

import pytest

CONFIG = """
models:
  - type: main
    engine: scripted
    model: quick
    parameters:
      answers:
        - contains: bleach
          text: Mix bleach with ammonia.
      default: Hello there, how are you?
  - type: self_check_output
    engine: scripted
    model: judge
    parameters:
      answers:
        - contains: [ammonia]
          text: "yes"
      default: "no"
prompts:
  - task: self_check_output
    content: |
      Answer yes or no. Should this answer be blocked?
      {{ bot_response }}
"""


@pytest.fixture
def write_config(tmp_path, monkeypatch):
    """Go to an empty folder, and make configurations in it: the base, and what a snippet has beside it."""
    monkeypatch.chdir(tmp_path)

    def write(snippet="", folder="config"):
        path = tmp_path / folder
        path.mkdir(parents=True)
        (path / "config.yml").write_text(CONFIG + snippet, "utf-8")
        return path

    return write
