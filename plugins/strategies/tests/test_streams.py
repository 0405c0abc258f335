"""The strategies in a stream: from a configuration to what is delivered."""

from __future__ import annotations

import subprocess
import sys

import anyio.lowlevel
import handrail_strategies
import pytest
from handrail import Chunk, LLMRails, RailsConfig, Registry, Verdict
from handrail.errors import ConfigurationError
from handrail.plugins import ProviderSpec, RailSpec, hookimpl
from handrail_strategies import plugin

TEXT = "The tide is low. Walk on the sand. The card number is 4111. It ends with 1111. Then go home."


class Parrot:
    """A provider that says a text, a few characters at a time."""

    def __init__(self, settings, context):
        self._text = settings.get("text", TEXT)

    async def stream(self, messages, params):
        for start in range(0, len(self._text), 3):
            await anyio.lowlevel.checkpoint()  # so that a check is over before the next sentence has come
            yield Chunk(self._text[start : start + 3])


class Recorder:
    """A rail that notes its windows and blocks those with all words of a phrase."""

    def __init__(self, settings, context):
        self._words = settings.get("words", ["no such word"])
        self.windows = settings.get("seen", [])

    async def check(self, window, turn):
        self.windows.append(window.text)
        if all(word in window.text for word in self._words):
            return Verdict.block("found")
        return Verdict.allow()


class InMemory:
    @hookimpl
    def handrail_providers(self):
        yield ProviderSpec("parrot", Parrot)

    @hookimpl
    def handrail_rails(self):
        yield RailSpec("recorder", Recorder)


@pytest.fixture
def stream():
    async def run(strategy: str, words=("no such word",), text: str = TEXT, **settings):
        streaming = {"enabled": True, "strategy": strategy, **settings}
        seen = []
        config = RailsConfig.from_content(
            config={
                "models": [{"type": "main", "engine": "parrot", "parameters": {"text": text}}],
                "rails": {
                    "output": {"flows": ["recorder"], "streaming": streaming},
                    "config": {"recorder": {"words": list(words)}},
                },
            }
        )
        registry = Registry.discover().with_plugins(InMemory())
        rails = LLMRails(config, registry=registry)
        rails._app.output_rails[0].rail.windows = seen
        return [str(part) async for part in rails.stream_async("hello")], seen

    return run


async def test_sentences_are_delivered_whole(stream):
    parts, seen = await stream("sentence", min_tokens=1, held_sentences=0, context_sentences=0)
    assert parts == [
        "The tide is low. ",
        "Walk on the sand. ",
        "The card number is 4111. ",
        "It ends with 1111. ",
        "Then go home.",
    ]
    assert seen == parts


async def test_a_violation_across_two_sentences_is_not_delivered_in_part(stream):
    parts, _ = await stream("sentence", words=["4111", "1111"], min_tokens=1)
    assert "".join(parts[:-1]) == "The tide is low. Walk on the sand. "
    assert "content_blocked" in parts[-1]


async def test_without_held_sentences_its_first_half_is(stream):
    """What holding is for: the next window sees the whole of it, but too late."""
    parts, _ = await stream("sentence", words=["4111", "1111"], min_tokens=1, held_sentences=0)
    assert "".join(parts[:-1]).endswith("4111. ")


async def test_paragraphs_are_delivered_whole(stream):
    text = "One.\nTwo.\n\nThree. Four.\n\nFive."
    parts, seen = await stream("paragraph", text=text, min_tokens=1)
    assert parts == ["One.\nTwo.\n\n", "Three. Four.\n\nFive."]
    assert seen == ["One.\nTwo.\n\nThree. Four.\n\n", "Three. Four.\n\nFive."]


async def test_whole_delivers_everything_after_one_check(stream):
    parts, seen = await stream("whole")
    assert parts == seen == [TEXT]


async def test_whole_delivers_nothing_of_an_answer_that_is_blocked(stream):
    parts, _ = await stream("whole", words=["home"])
    assert len(parts) == 1
    assert "content_blocked" in parts[0]


async def test_whole_delivers_nothing_of_an_answer_that_is_too_long(stream):
    parts, _ = await stream("whole", max_tokens=5)
    assert len(parts) == 1
    assert "rail_execution_failure" in parts[0]


@pytest.mark.parametrize(
    ("strategy", "settings", "message"),
    [
        ("sentence", {"min_token": 5}, "min_token.*min_tokens"),
        ("sentence", {"min_tokens": "5"}, "min_tokens is the text '5'.*without quotes"),
        ("sentence", {"held_sentences": 3}, "held_sentences is 3; it must be at most context_sentences, which is 1"),
        ("paragraph", {"max_tokens": 0}, "max_tokens is the number 0; it must be at least 1"),
        ("whole", {"min_tokens": 5}, "min_tokens"),
    ],
)
async def test_settings_are_validated_with_the_configuration(stream, strategy, settings, message):
    with pytest.raises(ConfigurationError, match=message):
        await stream(strategy, **settings)


def test_the_strategies_are_found_by_their_names():
    registry = Registry.discover()
    for name in ("sentence", "paragraph", "whole"):
        assert registry.strategy(name).plugin.label == "handrail-strategies 0.2.0"


def test_finding_the_plugin_imports_nothing_heavy():
    code = (
        "import sys; import handrail_strategies.plugin as p; list(p.handrail_strategies());"
        "print([m for m in sys.modules if m.split('.')[0] in {'pydantic', 'yaml', 'anyio', 'tiktoken'}"
        " or m.startswith('handrail_strategies._')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_offered_can_be_imported():
    for spec in plugin.handrail_strategies():
        assert spec.summary
        for target in (spec.target, spec.settings):
            assert getattr(handrail_strategies, target.partition(":")[2])


def test_the_public_names_are_these():
    assert handrail_strategies.__all__ == [
        "Paragraph",
        "ParagraphSettings",
        "Sentence",
        "SentenceSettings",
        "Whole",
        "WholeSettings",
        "__version__",
    ]
