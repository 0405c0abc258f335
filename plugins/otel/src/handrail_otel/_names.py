"""Every name of a span, an attribute and a metric: those of OpenTelemetry's conventions, and ours until they have them.

Guardrail spans are a proposal there. Where it is accepted, this is the file to change. Names that programs, models and
judges give are made such that exporters can send them.
"""

from __future__ import annotations

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_ID = "gen_ai.response.id"
CONVERSATION = "gen_ai.conversation.id"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105  # a name
ERROR_TYPE = "error.type"
TOKEN_USAGE = "gen_ai.client.token.usage"  # noqa: S105  # likewise
OPERATION_DURATION = "gen_ai.client.operation.duration"

CALL_SPAN = "guard"
CHECK_SPAN = "guardrail"
CALL_ID = "handrail.call.id"
KIND = "handrail.call.kind"
CALLER = "handrail.caller"
CONFIG = "handrail.config"
OUTCOME = "handrail.outcome"
TASK = "handrail.task"
RAIL = "handrail.rail"
PLUGIN = "handrail.plugin"
DIRECTION = "handrail.direction"
CHANNEL = "handrail.channel"
DECISION = "handrail.decision"
WOULD_HAVE = "handrail.would_have"
MODE = "handrail.mode"
CATEGORY = "handrail.category"
SCORE = "handrail.score"
WINDOW_START, WINDOW_END = "handrail.window.start", "handrail.window.end"
SPAN_START, SPAN_END = "handrail.span.start", "handrail.span.end"
HELD = "handrail.held"
CHECKS = "handrail.checks"
COST = "handrail.cost"
CURRENCY = "handrail.currency"
PROMPT, COMPLETION, LEFT_OUT = "handrail.prompt", "handrail.completion", "handrail.content.left_out"
PROMPT_HASH, COMPLETION_HASH = "handrail.prompt.sha256", "handrail.completion.sha256"
FIRST_EVENT, STOP_EVENT = "handrail.first_text", "handrail.stopped"

FIRST_DURATION = "handrail.time_to_first_text"
RELEASE_INTERVAL = "handrail.release.interval"
HELD_DURATION = "handrail.held.duration"
CHECK_DURATION = "handrail.check.duration"
CALL_DURATION = "handrail.call.duration"
STOPS = "handrail.stops"
COSTS = "handrail.costs"

_LONGEST = 256  # characters
_LONGEST_CATEGORY = 100


def sendable(name: str) -> str:
    """Return a name of bounded length; half a surrogate pair, which no exporter can send, becomes an escape."""
    if len(name) > _LONGEST:
        name = name[:_LONGEST]
    return name if name.isascii() else name.encode("utf-8", "backslashreplace").decode()


def category(given: object) -> str | None:
    """Return a rail's category; None for one that is no text, or so long that it may quote what was refused."""
    return sendable(given) if isinstance(given, str) and len(given) <= _LONGEST_CATEGORY else None
