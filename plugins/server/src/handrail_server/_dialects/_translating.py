"""What dialects share when they translate: errors that name a field, a body of Chat Completions, and what is lost."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from handrail_server._beside import REASONING
from handrail_server._bodies import ChatBody, readable
from handrail_server._errors import ApiError

if TYPE_CHECKING:
    from handrail_server._dialects._dialect import Ended

NOTHING: tuple[object, ...] = (None, "", [], {})
"""Values of a field that says nothing."""


def untranslatable(place: str, why: str) -> ApiError:
    """Return the error for a field that has no counterpart here."""
    return ApiError(400, f"'{place}' is not supported: {why}.", code="unsupported_value", param=place)


def wrong(place: str, what: str) -> ApiError:
    """Return the error for a field that is not what it must be."""
    return ApiError(400, f"'{place}': {what}.", code="invalid_value", param=place)


def chat_body(translated: Mapping[str, Any], further: Mapping[str, Any]) -> ChatBody:
    """Return a body of Chat Completions without what was not given.

    Args:
        translated: the fields that were made of a dialect's own.
        further: what else a request has; it goes on as it is, and never in place of what was translated.

    Raises:
        ApiError: it is wrong, or a field is given in two forms.
    """
    fields = {name: value for name, value in translated.items() if value is not None}
    for name, value in further.items():
        if name in fields and value not in NOTHING:
            raise untranslatable(name, "this protocol has a field of its own for it, which is given, too")
    try:
        return ChatBody.model_validate({**{n: v for n, v in further.items() if v is not None}, **fields})
    except ValidationError as exc:
        raise readable(exc) from None


def refuse_unknown(fields: Mapping[str, Any], known: Collection[str], place: str) -> None:
    """Refuse what a translation would lose.

    Raises:
        ApiError: there is a field that is not known and says something.
    """
    for name, value in fields.items():
        if name not in known and value not in NOTHING:
            raise untranslatable(f"{place}.{name}", "this field is unknown here")


def text_at(fields: Mapping[str, Any], name: str, place: str) -> str:
    """Return a field that must be text.

    Raises:
        ApiError: it is not.
    """
    value = fields.get(name)
    if not isinstance(value, str):
        raise wrong(f"{place}.{name}", "must be text")
    return value


def kind_of(fields: Mapping[str, Any], place: str, usual: str | None = None) -> str | None:
    """Return the type that something says it is of.

    Raises:
        ApiError: it is not text.
    """
    kind = fields.get("type", usual)
    if kind is not None and not isinstance(kind, str):
        raise wrong(f"{place}.type", "must be text")
    return kind


def objects_at(fields: Mapping[str, Any], name: str, place: str) -> list[Mapping[str, Any]]:
    """Return a field that must be a list of objects; none if it is missing.

    Raises:
        ApiError: it is not.
    """
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        raise wrong(f"{place}.{name}", "must be a list of objects")
    return value


def joined(parts: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """Return a content: the text itself where it is nothing but one plain text."""
    if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
        return str(parts[0]["text"])
    return parts


def guardrails_of(ended: Ended, told: Collection[str]) -> dict[str, Any] | None:
    """Return what is Handrail's own, with the names of what comes beside an answer and has no place in a protocol."""
    if ended.guardrails is None:
        return None
    found = ended.found
    lost = [
        name
        for fields in (found.message, found.choice, found.answer)
        for name in fields
        if name not in told and name not in REASONING  # which is kept here for the next turn
    ]
    withheld = [*ended.guardrails.get("withheld", ()), *lost]
    return {**ended.guardrails, **({"withheld": withheld} if withheld else {})}
