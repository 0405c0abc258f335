"""The flows and settings of existing configurations."""

from __future__ import annotations

from typing import Any

import pytest
from handrail import ConfigurationError, LLMRails
from patterns_streamed import TEXT, EchoProvider, configured, streamed

DETECTION = {
    "input": {"patterns": ["never"]},
    "output": {"patterns": [r"\bJANE\b.*", "zzz"], "case_insensitive": True},
    "retrieval": {"patterns": ["("]},
}


async def test_regex_detection_blocks() -> None:
    rails = LLMRails(configured(["regex check output"], {"regex_detection": DETECTION}))
    assert (await streamed(rails)).startswith('Mail {"error": ')


async def test_regex_detection_lets_the_rest_pass() -> None:
    detection = {"output": {"patterns": [r"\b\d{3}-\d{2}-\d{4}\b", r"(?i)password\s*[:=]\s*\S+"]}}
    rails = LLMRails(configured(["regex check output"], {"regex_detection": detection}))
    assert await streamed(rails) == TEXT


@pytest.mark.parametrize(
    ("entities", "given"),
    [
        (
            {"entities": ["EMAIL_ADDRESS", "CREDIT_CARD"]},
            "Mail <EMAIL_ADDRESS>, card <CREDIT_CARD>, key AKIAIOSFODNN7EXAMPLE, done.",
        ),
        (
            {"entities": ["EMAIL_ADDRESS"], "mask_token": "*", "score_threshold": 0.4},
            TEXT.replace("jane@example.com", "*"),
        ),
        ({"entities": ["US_SSN", "IBAN_CODE", "URL", "CRYPTO", "ES_NIE"]}, TEXT),
        ({"entities": ["TICKET"]}, TEXT.replace("done", "<TICKET>").replace("Mail", "<TICKET>")),
    ],
)
async def test_sensitive_data_is_masked(entities: dict[str, Any], given: str) -> None:
    recognizers = [
        {"name": "t", "supported_entity": "TICKET", "patterns": [{"name": "d", "regex": "d.ne", "score": 0.5}]},
        {"name": "u", "supported_entity": "TICKET", "deny_list": ["Mail", "a.b"]},
    ]
    section = {"output": entities, "recognizers": recognizers}
    rails = LLMRails(configured(["mask sensitive data on output"], {"sensitive_data_detection": section}))
    assert await streamed(rails) == given


async def test_sensitive_data_is_detected() -> None:
    section = {"output": {"entities": ["CREDIT_CARD"]}}
    rails = LLMRails(configured(["detect sensitive data on output"], {"sensitive_data_detection": section}))
    assert (await streamed(rails)).startswith('Mail jane@example.com, card {"error": ')


async def test_an_input_is_refused() -> None:
    section = {"input": {"entities": ["PHONE_NUMBER"]}}
    config = configured(["detect sensitive data on input"], {"sensitive_data_detection": section}, "input")
    rails = LLMRails(config, llm=EchoProvider())
    answer = await rails.generate_async(messages=[{"role": "user", "content": "call +49 30 12345678"}])
    assert "12345678" not in str(answer)


@pytest.mark.parametrize(
    ("flow", "config", "words"),
    [
        ("regex check output", {"regex_detection": {"input": {"patterns": ["a"]}}}, "regex_detection.output.patterns"),
        ("regex check output", {"regex_detection": {"output": {"patterns": ["("]}}}, "'pattern 1' does not compile"),
        ("mask sensitive data on output", {}, "sensitive_data_detection.output.entities"),
        (
            "mask sensitive data on output",
            {"sensitive_data_detection": {"output": {"entities": ["PERSON"]}}},
            "'PERSON' cannot be detected by patterns",
        ),
        (
            "mask sensitive data on output",
            {"sensitive_data_detection": {"output": {"entities": ["EMAIL_ADRESS"]}}},
            "did you mean 'EMAIL_ADDRESS'?",
        ),
    ],
)
def test_a_flow_that_would_guard_nothing_is_refused(flow: str, config: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        LLMRails(configured([flow], config))
    assert words in str(raised.value)


def test_an_input_flow_is_not_for_output() -> None:
    with pytest.raises(ConfigurationError, match="is for input, not for output"):
        LLMRails(configured(["regex check input"], {"regex_detection": DETECTION}))
