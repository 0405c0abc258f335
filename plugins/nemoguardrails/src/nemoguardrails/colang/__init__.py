"""Colang's parser is not here: importing this says what to use instead."""

from __future__ import annotations

from nemoguardrails._missing import no_module

raise no_module(__name__)
