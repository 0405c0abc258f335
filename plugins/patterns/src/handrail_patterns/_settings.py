"""What a configuration may say below `rails.config` for the rails of this package."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from handrail_patterns._actions import ActionName
from handrail_patterns._fold import ALL_OF_IT, SeeThrough
from handrail_patterns._rule import LONGEST_LIMIT


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _only_for_phrases(see_through: tuple[SeeThrough, ...]) -> tuple[SeeThrough, ...]:
    if "spaced_letters" in see_through:
        raise ValueError("'spaced_letters' is supported by 'phrase check' only")
    return see_through


class ActionSettings(_Settings):
    """What happens to a match, for every rail of this package.

    Attributes:
        action: block, redact, hash, mask or flag.
        replacement: for redact: what stands in for a match, instead of its label in brackets.
        keep: for mask: how many letters and digits stay, counted from the end.
        hash_key_env_var: for hash: the environment variable with the key.
        see_through: what is looked through: case, unicode (compatibility forms, digits of other scripts, accents),
            invisible (control and format characters), marks (combining marks on letters of another script), letters
            (small capitals, letters in circles and squares), homoglyphs (letters of other alphabets that look like
            Latin ones), spacing, markup (emphasis, escapes, tags and references of Markdown and HTML), and for phrases
            spaced_letters.
    """

    action: ActionName
    replacement: str | None = None
    keep: int = Field(default=4, ge=0)
    hash_key_env_var: str | None = None
    see_through: tuple[SeeThrough, ...] = ()


class PatternSettings(_Settings):
    """One pattern of `regex check`.

    Attributes:
        pattern: a regular expression of Python's `re`, without back-references.
        name: what it is called in logs, and what redacted text is labelled with.
        action: what happens to its matches, if not what the rail says.
        replacement, keep: likewise.
        ignore_case: whether upper and lower case are one.
        max_match: the longest match, in characters; a longer one blocks.
    """

    pattern: str
    name: str | None = None
    action: ActionName | None = None
    replacement: str | None = None
    keep: int | None = Field(default=None, ge=0)
    ignore_case: bool | None = None
    max_match: int | None = Field(default=None, ge=1, le=LONGEST_LIMIT)


class RegexCheckSettings(ActionSettings):
    """Settings of `regex check`.

    Attributes:
        patterns: regular expressions, each as text or with settings of its own.
        ignore_case: whether upper and lower case are one.
        max_match: the longest match of any pattern, in characters.
    """

    action: ActionName = "block"
    patterns: tuple[PatternSettings, ...]
    ignore_case: bool = False
    max_match: int | None = Field(default=None, ge=1, le=LONGEST_LIMIT)

    _check_see_through = field_validator("see_through")(_only_for_phrases)

    @field_validator("patterns", mode="before", json_schema_input_type=tuple[str | PatternSettings, ...])
    @classmethod
    def _accept_text(cls, patterns: Any) -> Any:
        if not isinstance(patterns, list | tuple):
            return patterns
        return [{"pattern": entry} if isinstance(entry, str) else entry for entry in patterns]


class PhraseCheckSettings(ActionSettings):
    """Settings of `phrase check`.

    Attributes:
        phrases: what to look for.
        files: files with a phrase in each line, in UTF-8; empty lines and lines that begin with `#` do not count.
        whole_words: whether a phrase must stand apart from the letters and digits beside it.
        label: what redacted phrases are labelled with.
    """

    action: ActionName = "block"
    phrases: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    whole_words: bool = True
    label: str = "PHRASE"
    see_through: tuple[SeeThrough, ...] = ALL_OF_IT


class KindsSettings(ActionSettings):
    """Settings of `personal data check` and `secret check`.

    Attributes:
        kinds: which kinds of values to look for; all of them by default.
        except_kinds: kinds to leave out.
        actions: for some kinds, another action.
        context: `words`: numbers that are nothing but digits count only after a word such as their name; `none`: they
            count wherever their check digits are right, as those of one number in ten are by chance.
    """

    action: ActionName = "redact"
    kinds: tuple[str, ...] | None = None
    except_kinds: tuple[str, ...] = ()
    actions: dict[str, ActionName] = Field(default_factory=dict)
    context: Literal["words", "none"] = "words"
    see_through: tuple[SeeThrough, ...] = ("unicode", "invisible", "marks", "markup")

    _check_see_through = field_validator("see_through")(_only_for_phrases)
