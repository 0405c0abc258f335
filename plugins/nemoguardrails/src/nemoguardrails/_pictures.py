"""Pictures for judges: a rail that would be shown them there must not let them pass unseen here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from handrail.errors import InvalidRequestError

from nemoguardrails._tool_calls import encoded_in
from nemoguardrails.rails.llm.options import GenerationOptions, parse

if TYPE_CHECKING:
    from handrail import Message
    from handrail.config import RailsConfig, TaskPrompt

Messages: TypeAlias = "Sequence[Message] | None"
_TEXT = ("text", "input_text")


class Pictures:
    """Refuses what a judge would be shown there, and is not here: rails are asked about texts.

    Args:
        config: the configuration.
    """

    def __init__(self, config: RailsConfig) -> None:
        flows = {flow.name.replace(" ", "_"): flow.name for flow in config.input_flows}
        tasks = (prompt.task.split(" ")[0] for prompt in config.prompts if _shows_parts(prompt))
        self._rail = next((flows[task] for task in tasks if task in flows), None)

    def taken(
        self, options: Mapping[str, Any] | GenerationOptions | None, given: Messages, *, are_judged: bool = True
    ) -> tuple[GenerationOptions, Messages]:
        """Return the options and the messages of a call, as they are read here.

        Args:
            options: the caller's.
            given: the caller's messages.
            are_judged: whether input rails are to judge them, if the options do not turn these off.

        Raises:
            TypeError: the options are of a type that has none.
            InvalidRequestError: an option is wrong, or a message holds more than a rail would see.
        """
        wanted, messages = parse(options), encoded_in(given)
        if are_judged and wanted.rails.input is not False:
            self._refuse(messages)
        return wanted, messages

    def _refuse(self, messages: Messages) -> None:
        if self._rail is None:
            return
        for index, message in enumerate(messages or ()):
            kind = next(_others(message), None)
            if kind is not None:
                raise InvalidRequestError(
                    f"messages[{index}] has a part of the type {kind!r}, which the rail {self._rail!r} would not see: "
                    f"rails judge text. Judge it before the call, or turn the input rails off for this one"
                )


def _shows_parts(prompt: TaskPrompt) -> bool:
    """Return whether a prompt has a message of the user that is what the user has said, in whatever parts."""
    entries = (entry for entry in prompt.messages or () if not isinstance(entry, str))
    return any(entry.type == "user" and "user_input" in entry.content for entry in entries)


def _others(message: Message) -> Iterator[str]:
    content = message.get("content") if message.get("role") == "user" else None
    for part in content if isinstance(content, list | tuple) else ():
        kind = part.get("type") if isinstance(part, Mapping) else None
        if kind not in _TEXT and not isinstance(part, str):
            yield str(kind)
