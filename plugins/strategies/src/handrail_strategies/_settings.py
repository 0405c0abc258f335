"""The settings of each strategy: the keys beside `strategy` in `rails.output.streaming`."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_Count = Annotated[int, Field(strict=True, ge=1)]
_Number = Annotated[int, Field(strict=True, ge=0)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SentenceSettings(_Settings):
    """How sentences make up windows."""

    min_tokens: _Count = Field(default=10, description="New tokens for which a window waits.")
    max_tokens: _Count = Field(default=200, description="The most new tokens in a window; a longer sentence is cut.")
    context_sentences: _Number = Field(default=1, description="Earlier sentences that a window repeats.")
    held_sentences: _Number | None = Field(
        default=None,
        description="Sentences at the end of a window that wait until the next one has passed; "
        "as context_sentences unless set.",
    )
    abbreviations: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(), description="Further words after whose full stop a sentence goes on, with or without the stop."
    )

    @property
    def context(self) -> int:
        """Sentences that a window repeats."""
        return self.context_sentences

    @property
    def held(self) -> int:
        """Sentences that wait for the next window."""
        return self.context_sentences if self.held_sentences is None else self.held_sentences

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        _check_sizes("sentences", self.min_tokens, self.max_tokens, self.context, self.held)
        return self


class ParagraphSettings(_Settings):
    """How paragraphs make up windows."""

    min_tokens: _Count = Field(default=20, description="New tokens for which a window waits.")
    max_tokens: _Count = Field(default=500, description="The most new tokens in a window; a longer paragraph is cut.")
    context_paragraphs: _Number = Field(default=1, description="Earlier paragraphs that a window repeats.")
    held_paragraphs: _Number | None = Field(
        default=None,
        description="Paragraphs at the end of a window that wait until the next one has passed; "
        "as context_paragraphs unless set.",
    )

    @property
    def context(self) -> int:
        """Paragraphs that a window repeats."""
        return self.context_paragraphs

    @property
    def held(self) -> int:
        """Paragraphs that wait for the next window."""
        return self.context_paragraphs if self.held_paragraphs is None else self.held_paragraphs

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        _check_sizes("paragraphs", self.min_tokens, self.max_tokens, self.context, self.held)
        return self


class WholeSettings(_Settings):
    """How long an answer may be."""

    max_tokens: _Count | None = Field(
        default=None,
        description="A longer answer is refused, since it is kept in memory until its end; None: no limit.",
    )


def _check_sizes(units: str, min_tokens: int, max_tokens: int, context: int, held: int) -> None:
    if min_tokens > max_tokens:
        raise ValueError(f"min_tokens is {min_tokens}; it must be at most max_tokens, which is {max_tokens}")
    if held > context:
        raise ValueError(
            f"held_{units} is {held}; it must be at most context_{units}, which is {context}, "
            f"or the next window would not see what is held"
        )
