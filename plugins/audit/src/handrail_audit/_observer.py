"""The observer: one line for each decision that stopped or changed an answer, would have done so, or failed."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from anyio import to_thread
from handrail import ConfigurationError, Observer, RailFailed
from pydantic import BaseModel, ConfigDict, Field

from handrail_audit._chain import bounded
from handrail_audit._files import Files
from handrail_audit._usage import used
from handrail_audit._webhook import Webhook

if TYPE_CHECKING:
    from handrail import Blocked, CallEnded, CheckRecord, ObservedCall, ObserverContext

logger = logging.getLogger("handrail.audit")

_QUIET = ("allow", "cancelled")
_LONGEST_CATEGORY = 100  # characters; a longer one may quote the text


class AuditSettings(BaseModel):
    """`observers.audit`.

    Attributes:
        folder: where files are written, relative to the configuration's folder.
        key_env_var: the environment variable with the key of the chain, and of the names of conversations. Without it
            a changed line is found only if whoever changed it did not make the chain anew.
        max_bytes: how long a file may become.
        sync_seconds: how long a line may wait before it is forced to the disk.
        usage: whether there is a line for each call, too, with its tokens and what they cost.
        webhook: where lines are posted, too.
        queue_size: how many lines may wait for the webhook; further ones are dropped there, counted and logged.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path = Path("audit")
    key_env_var: str | None = None
    max_bytes: Annotated[int, Field(ge=1024)] = 64 * 1024 * 1024
    sync_seconds: Annotated[float, Field(gt=0)] = 0.2
    usage: bool = False
    webhook: Annotated[str, Field(pattern=r"^https?://")] | None = None
    queue_size: Annotated[int, Field(ge=1)] = 10_000


class Audit(Observer):
    """Writes down decisions, and never any text: no reason, no detail, no error of a rail, for each may quote it."""

    def __init__(self, settings: AuditSettings, context: ObserverContext) -> None:
        self._key = _key(settings.key_env_var)
        config = context.config
        header = {
            "begun": time.time(),
            "config": hashlib.sha256(config.model_dump_json().encode("utf-8", "surrogatepass")).hexdigest()[:16],
        }
        self._files = _opened(context.base_path / settings.folder, self._key, header, settings)
        self._config = header["config"]
        self._writes_usage = settings.usage
        self._webhook = Webhook(settings.webhook, queue_size=settings.queue_size) if settings.webhook else None
        self._failed: dict[str, set[str]] = {}  # rails whose failure is written down, by call
        self.lost = 0

    def check_ended(self, call: ObservedCall, check: CheckRecord) -> None:
        """Write down a decision, unless the rail had nothing to say."""
        if check.decision in _QUIET and check.would_have is None:
            return
        if check.decision == "failed":
            self._failed.setdefault(call.call_id, set()).add(check.rail_id.text)
        self._write(
            call,
            {
                "rail": check.rail_id.text,
                "plugin": check.plugin,
                "direction": check.direction,
                "channel": check.channel,
                "decision": check.decision,
                "would_have": check.would_have,
                "stopped": check.stopped,
                "category": _category(check.category),
                "score": check.score,
                "span": check.span,
                "window": check.window,
                "failure": check.failure,
            },
        )

    def stopped(self, call: ObservedCall, stop: Blocked | RailFailed) -> None:
        """Write down a failure that no check had, such as that of a strategy."""
        rail = stop.rail_id.text if stop.rail_id is not None else stop.rail
        if not isinstance(stop, RailFailed) or rail in self._failed.get(call.call_id, ()):
            return
        self._write(
            call,
            {
                "rail": rail,
                "plugin": stop.plugin,
                "direction": stop.direction,
                "channel": stop.channel,
                "decision": "failed",
                "stopped": True,
                "failure": stop.kind,
            },
        )

    def call_ended(self, call: ObservedCall, ended: CallEnded) -> None:
        """Write down what the call has used, if that is asked for, and forget it."""
        self._failed.pop(call.call_id, None)
        if self._writes_usage:
            for part in used(ended.llm_calls):
                self._write(call, {"outcome": ended.outcome, "used": part})

    async def aclose(self) -> None:
        """Force what was written to the disk."""
        await to_thread.run_sync(self._close)

    def _close(self) -> None:
        self._files.close()
        if self._webhook is not None:
            self._webhook.close()

    def _write(self, call: ObservedCall, decision: dict[str, object]) -> None:
        fields = {
            "at": time.time(),
            "call": call.call_id,
            "caller": None if call.caller is None else bounded(call.caller),
            "conversation": self._name(call.conversation_id),
            "config": self._config,
            **{name: value for name, value in decision.items() if value is not None},
        }
        try:
            line = self._files.write(fields)
        except OSError as exc:
            self.lost += 1
            logger.warning("a decision could not be written down (%d lost): %s", self.lost, exc.strerror or exc)
            return
        if self._webhook is not None:
            self._webhook.put(line)

    def _name(self, conversation: str | None) -> str | None:
        """Return a name of a conversation by which only the operator can find it."""
        if conversation is None:
            return None
        raw = conversation.encode("utf-8", "surrogatepass")
        return hmac.digest(self._key or b"handrail", raw, "sha256").hex()[:32]


def _opened(folder: Path, key: bytes, header: Mapping[str, object], settings: AuditSettings) -> Files:
    try:
        return Files(folder, key, header, max_bytes=settings.max_bytes, sync_seconds=settings.sync_seconds)
    except (OSError, ValueError) as exc:  # a null byte is a ValueError
        raise ConfigurationError(
            f"observer 'audit' cannot write to {str(folder)!r}: {getattr(exc, 'strerror', exc)}; "
            f"set 'folder' to one that it can write to"
        ) from exc


def _category(given: object) -> str | None:
    return given if isinstance(given, str) and len(given) <= _LONGEST_CATEGORY else None


def _key(variable: str | None) -> bytes:
    if variable is None:
        return b""
    if not (value := os.environ.get(variable)):
        raise ConfigurationError(
            f"observer 'audit' takes its key from the environment variable {variable!r}, which is not set; "
            f"set it, or remove 'key_env_var'"
        )
    return value.encode()
