"""The rails as a configuration has them: settings, mistakes in them, and streams from end to end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from handrail import ConfigurationError, LLMRails, RailsConfig, Verdict
from handrail._plugins.registry import Registry
from handrail.plugins import RailSpec, hookimpl
from patterns_streamed import TEXT, EchoProvider, configured, streamed


@pytest.mark.parametrize(
    ("flow", "settings", "given"),
    [
        ("personal data check", {}, "Mail [EMAIL], card [CARD], key AKIAIOSFODNN7EXAMPLE, done."),
        ("secret check", {}, TEXT.replace("AKIAIOSFODNN7EXAMPLE", "[AWS_ACCESS_KEY]")),
        (
            "personal data check",
            {"kinds": ["email"], "action": "mask", "keep": 3},
            TEXT.replace("jane@example.", "****@*******."),
        ),
        (
            "personal data check",
            {"except_kinds": ["email"], "replacement": "#"},
            TEXT.replace("4111 1111 1111 1111", "#"),
        ),
        ("personal data check", {"action": "flag"}, TEXT),
        (
            "personal data check",
            {"action": "flag", "actions": {"payment_card": "mask"}},
            TEXT.replace("4111 1111 1111 1111", "**** **** **** 1111"),
        ),
        (
            "regex check",
            {"patterns": [{"pattern": "[a-z]+@", "name": "user name", "action": "redact"}, "nothing"]},
            TEXT.replace("jane@", "[USER_NAME]"),
        ),
        (
            "regex check",
            {"patterns": ["JANE"], "action": "redact", "ignore_case": True},
            TEXT.replace("jane", "[REDACTED]"),
        ),
        (
            "phrase check",
            {"phrases": ["Example.COM,  card"], "action": "redact"},
            TEXT.replace("example.com, card", "[PHRASE]"),
        ),
    ],
)
async def test_settings_do_what_they_say(flow: str, settings: dict[str, Any], given: str) -> None:
    rails = LLMRails(configured([flow], {flow: settings}))
    assert await streamed(rails) == given


async def test_a_block_ends_the_stream_before_the_match() -> None:
    rails = LLMRails(configured(["regex check"], {"regex check": {"patterns": [r"card \d"]}}))
    assert (await streamed(rails)).startswith('Mail jane@example.com, {"error": ')


async def test_rails_of_one_list_each_see_what_the_one_before_let_through() -> None:
    config = {
        "personal data check": {"kinds": ["email"]},
        "regex check": {"patterns": [{"pattern": r"\[EMAIL\], card", "action": "redact", "name": "both"}]},
    }
    rails = LLMRails(configured(["personal data check", "secret check", "regex check"], config))
    assert await streamed(rails) == "Mail [BOTH] 4111 1111 1111 1111, key [AWS_ACCESS_KEY], done."


async def test_a_judge_after_a_redaction_sees_the_redacted_text() -> None:
    seen: list[str] = []

    class Judge:
        def __init__(self, settings: object, context: object) -> None: ...

        async def check(self, window: Any, turn: object) -> Verdict:
            seen.append(window.text)
            return Verdict.allow()

    class Plugin:
        @hookimpl
        def handrail_rails(self) -> list[RailSpec]:
            return [RailSpec(name="judge", target=Judge)]

    rails = LLMRails(
        configured(["personal data check", "secret check", "judge"]),
        registry=Registry.discover().with_plugins(Plugin()),
    )
    given = await streamed(rails)
    assert given == "Mail [EMAIL], card [CARD], key [AWS_ACCESS_KEY], done."
    assert seen
    assert not any("jane" in text or "4111" in text or "AKIA" in text for text in seen)


async def test_a_hash_is_keyed_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATTERNS_KEY", "k")
    config = {"personal data check": {"action": "hash", "kinds": ["email"], "hash_key_env_var": "PATTERNS_KEY"}}
    given = await streamed(LLMRails(configured(["personal data check"], config)))
    assert given.startswith("Mail [EMAIL:")
    assert "jane" not in given


async def test_phrases_come_from_files_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("# what must not be said\n\nexample.com\nd\xf6ne\n", encoding="utf-8")
    (tmp_path / "config.yml").write_text(
        "rails:\n  output:\n    flows: [phrase check]\n    streaming: {enabled: true}\n"
        "  config:\n    phrase check: {files: [words.txt], action: redact}\n"
    )
    rails = LLMRails(RailsConfig.from_path(tmp_path))
    assert await streamed(rails) == TEXT.replace("example.com", "[PHRASE]").replace("done", "[PHRASE]")


async def test_an_input_is_rewritten_before_the_model_sees_it() -> None:
    config = configured(["personal data check"], direction="input")
    rails = LLMRails(config, llm=EchoProvider())
    answer = await rails.generate_async(messages=[{"role": "user", "content": "I am jane@example.com"}])
    assert answer["content"] == "I am [EMAIL]"


@pytest.mark.parametrize(
    ("flow", "settings", "words"),
    [
        (
            "regex check",
            {"patterns": ["("]},
            "'pattern 1' does not compile: missing ), unterminated subpattern at character 0",
        ),
        ("regex check", {"patterns": ["ok", {"pattern": "x[", "name": "mine"}]}, "'mine' does not compile"),
        ("regex check", {"patterns": []}, "nothing to look for; add a pattern to rails.config.regex check.patterns"),
        ("regex check", {"patterns": ["a*"]}, "matches the empty string"),
        (
            "regex check",
            {"patterns": [{"pattern": "a", "action": "shred"}]},
            "allowed: 'block', 'redact', 'hash', 'mask', 'flag'",
        ),
        ("regex check", {"patterns": "a"}, "must be a list"),
        ("regex check", {"patern": ["a"]}, "did you mean 'patterns'?"),
        ("regex check", {"patterns": ["a"], "max_match": 0}, "max_match"),
        ("regex check", {"patterns": ["a"], "see_through": ["walls"]}, "'unicode'"),
        ("regex check", {"patterns": ["a"], "action": "hash"}, "needs a key; name its environment variable"),
        (
            "regex check",
            {"patterns": ["a"], "action": "hash", "hash_key_env_var": "NOT_SET_AT_ALL"},
            "which is not set",
        ),
        ("phrase check", {}, "nothing to look for; add a phrase"),
        ("phrase check", {"files": ["none.txt"]}, "none.txt' cannot be read: No such file"),
        ("phrase check", {"phrases": ["\u200b "]}, "the phrase is empty after folding:"),
        ("personal data check", {"kinds": ["emial"]}, "knows no kind 'emial'; did you mean 'email'?"),
        ("personal data check", {"actions": {"visa": "mask"}}, "knows no kind 'visa'"),
        ("secret check", {"kinds": []}, "nothing to look for; add a kind"),
    ],
)
def test_a_mistake_is_told_when_the_configuration_is_loaded(flow: str, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        LLMRails(configured([flow], {flow: settings}))
    assert words in str(raised.value)


def test_a_mistake_in_a_pattern_is_told_with_its_line_and_column() -> None:
    lines = ("rails:", "  output:", "    flows: [regex check]", "  config:", "    regex check:", "      patterns:")
    config = "\n".join((*lines, "        - 'ok'", "        - '('"))
    with pytest.raises(ConfigurationError, match=r":8:11: pattern 'pattern 2' does not compile"):
        LLMRails(RailsConfig.from_content(yaml_content=config))


def test_a_list_that_is_no_utf8_or_has_no_phrase_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\n")
    (tmp_path / "empty.txt").write_text("# nothing\n")
    for name, words in (("latin.txt", "it is not UTF-8"), ("empty.txt", "there is no phrase in")):
        (tmp_path / "config.yml").write_text(
            f"rails:\n  output:\n    flows: [phrase check]\n  config:\n    phrase check: {{files: [{name}]}}\n"
        )
        with pytest.raises(ConfigurationError, match=words):
            LLMRails(RailsConfig.from_path(tmp_path))


def test_finding_the_plugin_imports_nothing_heavy() -> None:
    code = (
        "import sys, handrail_patterns.plugin as plugin; names = [spec.name for spec in plugin.handrail_rails()]; "
        "heavy = [name for name in ('pydantic', 'yaml', 'handrail_patterns._rails', 're2') if name in sys.modules]; "
        "print(len(names), heavy)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "10 []"
