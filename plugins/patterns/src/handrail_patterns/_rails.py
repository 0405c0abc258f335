"""The rails: what a configuration says, compiled once, and a session for each stream."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Protocol

from handrail.errors import ConfigurationError

from handrail_patterns._fold import Folding
from handrail_patterns._hit import Scan
from handrail_patterns._kind import Kind
from handrail_patterns._making import (
    make_action,
    nothing_to_look_for,
    pattern_rule,
    phrases_in_files,
    rules_of,
)
from handrail_patterns._personal import PERSONAL_DATA
from handrail_patterns._phrases import Phrases
from handrail_patterns._regex import Patterns
from handrail_patterns._secrets import SECRETS
from handrail_patterns._session import MOST_HELD, PatternSession, flags_in_journal

if TYPE_CHECKING:
    from handrail import RailContext, Turn

    from handrail_patterns._settings import ActionSettings, KindsSettings, PhraseCheckSettings, RegexCheckSettings


class Scanner(Protocol):
    """Something compiled that can look through any number of streams."""

    def open(self) -> Scan:
        """Start a stream."""
        ...


class PatternRail:
    """What the rails of this package have in common: each opens a session for each stream."""

    def __init__(self, scanner: Scanner, settings: ActionSettings, context: RailContext) -> None:
        self._scanner = scanner
        self._folding = Folding(settings.see_through) if settings.see_through else None
        self._name = context.name
        self._direction = context.direction

    def open(self, turn: Turn) -> PatternSession:
        """Start a stream."""
        fold = None if self._folding is None else self._folding.open()
        note = flags_in_journal(turn, self._name, self._direction)
        most_held = None if self._direction == "input" else MOST_HELD
        markup = self._folding is not None and self._folding.markup
        return PatternSession(self._scanner.open(), fold, note, most_held=most_held, markup=markup)


class RegexCheck(PatternRail):
    """Blocks or rewrites what matches regular expressions.

    Raises:
        ConfigurationError: no pattern is configured, or one that cannot be used.
    """

    def __init__(self, settings: RegexCheckSettings, context: RailContext) -> None:
        if not settings.patterns:
            raise nothing_to_look_for(context, "patterns", "a pattern")
        rules = [pattern_rule(entry, index, settings, context) for index, entry in enumerate(settings.patterns)]
        super().__init__(Patterns.of(rules), settings, context)


class PhraseCheck(PatternRail):
    """Blocks or rewrites phrases of a list.

    Raises:
        ConfigurationError: there is no phrase, a file cannot be read, or a phrase has nothing to be found by.
    """

    def __init__(self, settings: PhraseCheckSettings, context: RailContext) -> None:
        written = [*settings.phrases, *phrases_in_files(settings.files, context)]
        if not written:
            raise nothing_to_look_for(context, "phrases, or a file of them to 'files'", "a phrase")
        folding = Folding(settings.see_through)
        phrases = {form.strip(): phrase for phrase in written for form in folding.texts(phrase)}
        if "" in phrases:
            raise ConfigurationError(
                f"rail {context.name!r}: the phrase is empty after folding: {phrases['']!r}; "
                f"remove it, or set 'see_through'"
            )
        action = make_action(settings, settings.action, settings.label, context)
        super().__init__(
            Phrases(phrases, action, whole_words=settings.whole_words, spaced="spaced_letters" in settings.see_through),
            settings,
            context,
        )


class KindsRail(PatternRail):
    """Blocks or rewrites values of published formats.

    Raises:
        ConfigurationError: a kind is unknown, or none is left.
    """

    known: Sequence[Kind] = ()

    def __init__(self, settings: KindsSettings, context: RailContext) -> None:
        names = [kind.name for kind in self.known]
        for name in (*(settings.kinds or ()), *settings.except_kinds, *settings.actions):
            if name not in names:
                raise ConfigurationError(_unknown_kind(name, names, context))
        wanted = names if settings.kinds is None else settings.kinds
        kinds = [kind for kind in self.known if kind.name in wanted and kind.name not in settings.except_kinds]
        if not kinds:
            raise nothing_to_look_for(context, "kinds", "a kind")
        actions = {
            kind.name: make_action(settings, settings.actions.get(kind.name, settings.action), kind.label, context)
            for kind in kinds
        }
        super().__init__(
            Patterns.of(rules_of(kinds, actions, needs_words=settings.context == "words")), settings, context
        )


class PersonalDataCheck(KindsRail):
    """Blocks or rewrites e-mail addresses, card and account numbers, national ids and their like."""

    known = PERSONAL_DATA


class SecretCheck(KindsRail):
    """Blocks or rewrites private keys, tokens, API keys and connection strings."""

    known = SECRETS


def _unknown_kind(name: str, names: Sequence[str], context: RailContext) -> str:
    nearest = get_close_matches(name, names, n=1)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return f"rail {context.name!r} knows no kind {name!r}; {hint}its kinds: {', '.join(names)}"
