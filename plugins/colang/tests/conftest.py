"""Configurations with rails in Colang."""

from __future__ import annotations

import textwrap

import pytest
from handrail import Edit, LLMRails, RailsConfig, Registry, Ruling, Verdict
from handrail.plugins import RailSpec, hookimpl

ANSWER = "The secret word is swordfish, my friend."


@pytest.fixture
def make(tmp_path):
    """Make `LLMRails` of a folder with Colang and, where they are given, Python files."""

    def make(
        colang,
        *,
        output=("flow",),
        input_=(),
        answer=ANSWER,
        streaming=None,
        config=None,
        actions=None,
        files=None,
        registry=None,
    ):
        (tmp_path / "rails.co").write_text(textwrap.dedent(colang), "utf-8")
        for name, text in {"actions": actions or "", **(files or {})}.items():
            (tmp_path / f"{name}.py").write_text(textwrap.dedent(text), "utf-8")
        (tmp_path / "config.yml").write_text("models: []", "utf-8")
        settings = {
            "models": [{"type": "main", "engine": "scripted", "parameters": {"answers": [answer]}}],
            "rails": {
                "input": {"flows": list(input_)},
                "output": {"flows": list(output), "streaming": {"enabled": True, **(streaming or {})}},
            },
            **(config or {}),
        }
        return LLMRails(RailsConfig.from_path(tmp_path) + RailsConfig.from_content(config=settings), registry=registry)

    return make


@pytest.fixture
def problem(make):
    """Return the error that a configuration in Colang is refused with."""

    def problem(colang, **arguments):
        with pytest.raises(ValueError) as caught:  # noqa: PT011  # what is tested is the message
            make(colang, **arguments)
        return str(caught.value)

    return problem


class WordCheck:
    """Blocks a word, and rewrites another."""

    async def check(self, window, turn):
        if "swordfish" in window.text:
            return Verdict.block("a password")
        if "friend" in window.text:
            return Verdict.rewrite([Edit(0, window.end, window.text.replace("friend", "foe"))])
        return Verdict.allow()


class StreamCheck:
    """Makes everything upper case, character by character."""

    def open(self, turn):
        return self

    def feed(self, text):
        return Ruling(text.upper(), edits=(Edit(0, len(text), text.upper()),))

    def finish(self):
        return Ruling()


@pytest.fixture
def word_check():
    """A registry with two more rails."""

    class Plugin:
        @hookimpl
        def handrail_rails(self):
            yield RailSpec("word check", lambda settings, context: WordCheck())
            yield RailSpec("upper check", lambda settings, context: StreamCheck())

    return Registry.discover().with_plugins(Plugin())


@pytest.fixture
def collect():
    async def collect(rails, prompt="?", **arguments):
        return [chunk async for chunk in rails.stream_async(prompt, **arguments)]

    return collect
