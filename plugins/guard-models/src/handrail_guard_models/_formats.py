"""The guard models that are known: how each is recognized, asked and read. As their cards have it, November 2026."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from handrail_guard_models._readers import Fields, Whole, Word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handrail_guard_models._readers import Direction, Reader, Sense

PromptForm: TypeAlias = Literal["conversation", "instruction", "policy"]


@dataclass(frozen=True, slots=True)
class Format:
    """How the models of one kind answer.

    Attributes:
        name: as a prompt's `output_parser`.
        card: the models, as people call them.
        models: a regular expression that is found in the names of such models.
        prompt: "conversation" if the model's own chat template asks, so that it is sent the messages alone;
            "instruction" for a prompt as the card has it; "policy" for a prompt with a policy of one's own.
        readers: one for each form in which the model answers.
        categories: what it may name, for the documentation.
        facts: True for one that judges whether an answer is supported by a document.
    """

    name: str
    card: str
    models: str
    prompt: PromptForm
    readers: tuple[Reader, ...]
    categories: str = ""
    facts: bool = False

    @property
    def has_middle(self) -> bool:
        """True if it knows a verdict between safe and unsafe."""
        return any(isinstance(reader, Fields) and "middle" in reader.values.values() for reader in self.readers)


_SAFE: Mapping[str, Sense] = {"safe": "allow", "unsafe": "block"}
_YES_NO: Mapping[str, Sense] = {"no": "allow", "yes": "block"}
_HARM: Mapping[str, Sense] = {"unharmful": "allow", "harmful": "block"}
_PASS: Mapping[str, Sense] = {"pass": "allow", "fail": "block"}
_DIGIT: Mapping[str, Sense] = {"0": "allow", "1": "block"}
_VIOLATION: Mapping[str, Sense] = {**_DIGIT, "false": "allow", "true": "block"}
_CODES = r"[so]\d{1,2}"
_CODES_OR_NONE = r"none|s\d{1,2}(?:[\s,]+s\d{1,2})*"
_USER_OR_ANSWER: Mapping[Direction, str] = {"input": "user_safety", "output": "response_safety"}
_HARMFUL: Mapping[Direction, str] = {"input": "harmful_request", "output": "harmful_response"}
_CATEGORIES: Mapping[Direction, str] = dict.fromkeys(("input", "output"), "safety_categories")
_AEGIS = "S1 to S23 of Aegis 2.0: Violence, Sexual, Criminal Planning/Confessions, ..."

FORMATS = (
    Format(
        "llama_guard",
        "Llama Guard 1 to 4",
        r"llama-?guard",
        "conversation",
        (Word(_SAFE, codes=_CODES),),
        "O1 to O6 (1), S1 to S11 (2), S1 to S14 (3, 4)",
    ),
    Format(
        "nemoguard",
        "NemoGuard Content Safety, Nemotron Safety Guard 8B",
        r"nemoguard.*content-?safety|nemotron-safety-guard",
        "instruction",
        (Fields(_USER_OR_ANSWER, _SAFE, json=True, categories=_CATEGORIES),),
        _AEGIS,
    ),
    Format(
        "nemotron_reasoning",
        "Nemotron Content Safety Reasoning 4B",
        r"nemotron-content-safety-reasoning",
        "policy",
        (Fields({"input": "prompt_harm", "output": "response_harm"}, _HARM),),
    ),
    Format(
        "nemotron_content_safety",
        "Nemotron 3 and 3.5 Content Safety",
        r"nemotron-3(?:\.5)?-content-safety",
        "conversation",
        (Fields(_USER_OR_ANSWER, _SAFE, categories=_CATEGORIES),),
        _AEGIS,
    ),
    Format(
        "granite_guardian",
        "Granite Guardian 3.0 to 3.3, 4.1",
        r"granite.*guardian",
        "conversation",
        (
            Word(_YES_NO, after=r"<confidence>\s*high\s*</confidence>"),
            Whole(r"<score>\s*(?P<value>\w+)\s*</score>", _YES_NO),
        ),
    ),
    Format(
        "shieldgemma",
        "ShieldGemma",
        r"shield-?gemma",
        "instruction",
        (Word(_YES_NO, explained=True),),
    ),
    Format(
        "wildguard",
        "WildGuard",
        r"wildguard",
        "instruction",
        (Fields(_HARMFUL, _YES_NO, others={"response_refusal": r"yes|no|n/a"}),),
    ),
    Format(
        "polyguard",
        "PolyGuard",
        r"polyguard",
        "instruction",
        (
            Fields(
                _HARMFUL,
                _YES_NO,
                others={
                    "response_refusal": r"yes|no|n/a",
                    "request_safety_violations": _CODES_OR_NONE,
                    "response_safety_violations": _CODES_OR_NONE,
                },
                categories={"input": "request_safety_violations", "output": "response_safety_violations"},
            ),
        ),
        "S1 to S14",
    ),
    Format(
        "qwen3guard",
        "Qwen3Guard-Gen",
        r"qwen3-?guard",
        "conversation",
        (
            Fields(
                dict.fromkeys(("input", "output"), "safety"),
                {"safe": "allow", "unsafe": "block", "controversial": "middle"},
                others={"refusal": r"yes|no"},
                categories=dict.fromkeys(("input", "output"), "categories"),
            ),
        ),
        "Violent, Non-violent Illegal Acts, Sexual Content or Sexual Acts, PII, Suicide & Self-Harm, Unethical Acts, "
        "Politically Sensitive Topics, Copyright Violation, Jailbreak",
    ),
    Format(
        "gpt_oss_safeguard",
        "gpt-oss-safeguard",
        r"gpt-oss-safeguard",
        "policy",
        (
            Word(_DIGIT),
            Fields(
                dict.fromkeys(("input", "output"), "violation"),
                _VIOLATION,
                json=True,
                others={"rationale": None, "reason": None, "rule_ids": None, "confidence": "high|medium"},
                categories=dict.fromkeys(("input", "output"), "policy_category"),
                names_safe=True,
            ),
        ),
        "those of the policy",
    ),
    Format(
        "dynaguard",
        "DynaGuard",
        r"dynaguard",
        "policy",
        (
            Whole(
                r"<answer>\s*(?P<value>\w+)\s*</answer>\s*"
                r"(?:<explanation>(?:(?!</?(?:answer|explanation)>).)*</explanation>)?",
                _PASS,
            ),
        ),
    ),
    Format(
        "lynx",
        "Patronus Lynx",
        r"patronus.*lynx|lynx-\d+b",
        "instruction",
        (
            Whole(
                r'\{\s*"REASONING":\s*(?:(?!"SCORE).)*,\s*"SCORE":\s*"?(?P<value>\w+)"?\s*\}',
                _PASS,
            ),
        ),
        facts=True,
    ),
)


def format_of(model: str | None) -> Format | None:
    """Return the format of a model that judges safety, by its name; None if it is not known."""
    name = (model or "").replace("_", "-")
    return next((known for known in FORMATS if not known.facts and re.search(known.models, name, re.IGNORECASE)), None)
