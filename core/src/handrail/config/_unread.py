"""Keys that a configuration may have and nothing reads: their own fields say so, and whoever sets one is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel

from handrail.config._problems import dotted, problem_at
from handrail.errors import Problem

if TYPE_CHECKING:
    from handrail.config._tree import KeyPath, Node


@dataclass(frozen=True, slots=True)
class Unread:
    """Marks a field, in its annotation, as one that nothing reads.

    Attributes:
        instead: what happens whatever it says, or what to write instead.
        but: a value that asks for what happens anyway, and needs no note.
    """

    instead: str = ""
    but: object = None


def unread(section: BaseModel, tree: Node, path: KeyPath = ()) -> Iterator[Problem]:
    """Yield a note for each key that is set in a configuration, or anywhere below it, and that nothing reads."""
    for name in type(section).model_fields:
        if name not in section.model_fields_set:
            continue
        value, here = getattr(section, name), (*path, name)
        for mark in type(section).model_fields[name].metadata:
            if isinstance(mark, Unread) and value != mark.but:
                text = f"'{dotted(here)}' has no effect" + (f"; {mark.instead}" if mark.instead else "")
                yield problem_at(tree, here, text, key=True)
        yield from _below(value, tree, here)


def _below(value: object, tree: Node, path: KeyPath) -> Iterator[Problem]:
    if isinstance(value, BaseModel):
        yield from unread(value, tree, path)
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _below(item, tree, (*path, index))
