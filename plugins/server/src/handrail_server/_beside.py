"""What an answer has beside text, reasoning and tool calls: given if rails let it through, else withheld and named."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from handrail_server._leaves import replaced, texts_of, unreadable, words_only

if TYPE_CHECKING:
    from handrail import GenerationResponse, GuardedStream, LLMRails

logger = logging.getLogger("handrail.server")

_OWN = frozenset(("choices", "created", "guardrails", "id", "model", "object", "usage"))
_OWN_OF_CHOICES = frozenset(("delta", "finish_reason", "index", "message", "native_finish_reason"))
_OWN_OF_MESSAGES = frozenset(("content", "function_call", "refusal", "role", "tool_calls"))
_OWN_BY_PLACE = {"answer": _OWN, "choice": _OWN_OF_CHOICES, "message": _OWN_OF_MESSAGES}
REASONING = frozenset(
    (
        *("reasoning", "reasoning_content", "reasoning_details", "reasoning_items", "reasoning_text", "thinking"),
        "thinking_blocks",
    )
)
_HEAD = ("system_fingerprint", "service_tier")
_UPSTREAM = ("id", "model", "created", "provider")
_MOST_TEXTS = 200
_NAME = re.compile(r"[A-Za-z_][\w.:/\[\]-]{0,63}", re.ASCII)


@dataclass(slots=True)
class Beside:
    """The fields to give, by the place where they stand, and the names of those that are withheld."""

    answer: dict[str, Any] = field(default_factory=dict)
    choice: dict[str, Any] = field(default_factory=dict)
    message: dict[str, Any] = field(default_factory=dict)
    withheld: list[str] = field(default_factory=list)

    def withhold(self, name: str) -> None:
        """Note that a field is not given."""
        if name not in self.withheld:
            self.withheld.append(name)


def wire_so_far(stream: GuardedStream) -> Mapping[str, Any]:
    """Return the structure of an answer that is on its way, as the provider told it."""
    return _wire(stream.metadata)


def wire_of(response: GenerationResponse) -> Mapping[str, Any]:
    """Return the structure of an answer that has ended; nothing of one that was stopped."""
    return {} if response.stop is not None else {**_wire(response.llm_metadata), "unguarded": response.unguarded}


def head_of(wire: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that each chunk repeats."""
    return _words(wire, _HEAD)


def upstream_of(wire: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the model's server calls the answer; ours has names of its own."""
    return _words(wire, _UPSTREAM)


async def beside(
    rails: LLMRails, messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any], response: GenerationResponse
) -> Beside:
    """Return what may be given beside an answer.

    Args:
        rails: whose output rails judge it.
        messages: the conversation, for rails that look at it.
        options: of the request; they say which rails run.
        response: the answer.
    """
    wire = wire_of(response)
    found = Beside()
    places = [
        (getattr(found, place), _without(fields, own))
        for place, own in _OWN_BY_PLACE.items()
        if isinstance(fields := wire.get("unguarded", {}).get(place), Mapping)
    ]
    if guards_text(rails):
        judge = TextJudge(rails, messages, options)
        found.withheld += [await _told_name(name, judge) for name in wire.get("lost", ())]
        for given, fields in places:
            await _guarded(fields, given, found, judge)
        _note_sealed(wire, found)
    else:
        found.withheld += wire.get("lost", ())
        for given, fields in places:
            given.update(fields)
    if response.reasoning_content and "reasoning" in rails.composition.withheld:
        found.withhold("reasoning_content")
    _warn(found, rails)
    return found


def calls_beside(wire: Mapping[str, Any], rails: LLMRails) -> Mapping[int, Mapping[str, Any]]:
    """Return what tool calls have beside id, name and arguments; behind rails only what nobody could read."""
    calls: Mapping[int, Mapping[str, Any]] = wire.get("tool_calls") or {}
    if not calls or not guards_text(rails):
        return calls
    return {at: {name: value for name, value in call.items() if _is_silent(name, value)} for at, call in calls.items()}


class TextJudge:
    """Asks the output rails about a text that the model may have written."""

    def __init__(self, rails: LLMRails, messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> None:
        self._rails = rails
        self._messages = messages
        self._options = options

    async def allowed(self, text: str) -> str | None:
        """Return the text as the rails let it through; None if they do not, or cannot judge it."""
        answer = {"role": "assistant", "content": text}
        try:
            result = await self._rails.check_async(
                [*self._messages, answer], rail_types=["output"], options=self._options
            )
        except Exception as exc:  # noqa: BLE001  # whatever fails here must not let the text through, nor end the answer
            logger.warning("a field beside an answer could not be checked: %s", type(exc).__name__)
            return None
        return None if result.status == "blocked" else result.content


async def _guarded(fields: Mapping[str, Any], given: dict[str, Any], found: Beside, judge: TextJudge) -> None:
    for name, value in fields.items():
        allowed = value
        if name in REASONING:
            allowed = _sealed_only(value)
        elif unreadable(name, value):
            allowed = None
        elif texts := list(texts_of({name: value})):
            allowed = await _judged(name, value, texts, judge)
        if allowed is not None:
            given[name] = allowed
        if allowed is None or (name in REASONING and allowed != value):
            found.withhold(await _told_name(name, judge))


async def _told_name(name: str, judge: TextJudge) -> str:
    """Return the name of a field that is not given, unless it is itself a text that rails do not let through."""
    return name if _NAME.fullmatch(name) or await judge.allowed(name) == name else "unknown"


async def _judged(name: str, value: Any, texts: list[str], judge: TextJudge) -> Any:
    """Return a value with its texts as rails let them through, judged together, else apart; None if they do not."""
    together = "\n".join(texts)
    allowed = await judge.allowed(together)
    if allowed == together:
        return value
    if allowed is None or len(texts) > _MOST_TEXTS:
        return None
    each = {text: await judge.allowed(text) for text in dict.fromkeys(texts)}
    if any(text is None for text in each.values()):
        return None
    changed = replaced(value, lambda text: each.get(text) or "")
    left = "\n".join(texts_of({name: changed}))  # a key or a number cannot be changed
    return changed if await judge.allowed(left) == left else None


def _sealed_only(value: Any) -> Any:
    """Return the items of reasoning that have no text: encrypted ones, which the next turn needs; None if none has."""
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, Mapping) and _is_silent("item", item)] or None


def _note_sealed(wire: Mapping[str, Any], found: Beside) -> None:
    for call in (wire.get("tool_calls") or {}).values():
        for name, value in call.items():
            if not _is_silent(name, value):
                found.withhold(f"tool_calls.{name}")


def _is_silent(name: str, value: Any) -> bool:
    return not unreadable(name, value) and next(texts_of({name: value}), None) is None


def guards_text(rails: LLMRails) -> bool:
    """Return whether output rails read the text of answers."""
    return any("text" in plan.channels for plan in rails.composition.output_rails)


def _words(wire: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return some fields of an answer's head. A text among them is left out, for no rail reads it."""
    return dict(words_only({name: wire[name] for name in names if wire.get(name)}))


def _without(fields: Mapping[str, Any], own: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in own}


def _wire(metadata: Mapping[str, Any] | None) -> Mapping[str, Any]:
    found = (metadata or {}).get("wire")
    return found if isinstance(found, Mapping) else {}


def _warn(found: Beside, rails: LLMRails) -> None:
    if found.withheld:
        main = rails.config.model_for("main")
        _warn_once(main.model if main is not None else None, tuple(found.withheld))


@functools.lru_cache(maxsize=1024)  # not for each answer, of which there are many alike
def _warn_once(model: str | None, names: tuple[str, ...]) -> None:
    logger.warning(
        "fields of answers of the model %r are withheld, since no rail lets them through: %s", model, ", ".join(names)
    )
