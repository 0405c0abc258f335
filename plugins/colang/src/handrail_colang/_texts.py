"""What the bot says: texts that are filled with variables, as `$name`, `$name.attribute` or in Jinja."""

from __future__ import annotations

import re
from functools import cache

from handrail.errors import InvalidRailsConfigurationError, message_of
from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

from handrail_colang._expressions import ExpressionError, guarded
from handrail_colang._syntax import Expression, Place, Variables

_NAME = r"[A-Za-z_]\w*"
_REFERENCE = re.compile(rf"\{{\{{\s*\$({_NAME})\s*\}}\}}|\{{\$({_NAME})\}}|\$({_NAME}(?:\.{_NAME}|\[\d+\])*)")


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)


def filled(text: str, place: Place) -> Expression:
    """Return a text whose variables are replaced by their values. It must be the configuration's, never a user's.

    Raises:
        InvalidRailsConfigurationError: it has a fault in its Jinja.
    """
    if is_plain(text):
        return lambda variables: text  # noqa: ARG005  # an expression
    try:
        template = _environment().from_string(_template(text))
    except TemplateSyntaxError as exc:
        raise InvalidRailsConfigurationError(f"{place}: the text is not valid Jinja: {message_of(exc)}") from exc

    def value(variables: Variables) -> str:
        try:
            return template.render(variables)
        except TemplateError as exc:
            raise ExpressionError(f"{place}: {message_of(exc).replace('undefined', 'not defined')}") from exc

    return guarded(value, place)


def placeholders(text: str) -> frozenset[str]:
    """Return the names of the variables that a text is filled with; none of one that is not valid Jinja."""
    if is_plain(text):
        return frozenset()
    try:
        return frozenset(find_undeclared_variables(_environment().parse(_template(text))))
    except TemplateSyntaxError:
        return frozenset()


def is_plain(text: str) -> bool:
    """Return whether nothing is to be filled into a text."""
    return "{{" not in text and "{%" not in text and _REFERENCE.search(text) is None


def _template(text: str) -> str:
    return _REFERENCE.sub(lambda match: f"{{{{ {next(filter(None, match.groups()))} }}}}", text)
