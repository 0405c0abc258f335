"""What is wrong with a request before it is sent."""

from __future__ import annotations


class BadParameterError(ValueError):
    """A message or a parameter cannot be sent to the Messages API; the text quotes nothing of its content."""
