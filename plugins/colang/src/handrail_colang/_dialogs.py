"""Dialogs of one turn: a user who means something that is written down gets the answer that is written down for it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from handrail import Chunk, RailContext, Turn
from handrail.errors import InvalidRailsConfigurationError, RailError

from handrail_colang._actions import Actions
from handrail_colang._calls import CallVariables, call_variables
from handrail_colang._intents import Intents
from handrail_colang._program import APOLOGY, REFUSAL
from handrail_colang._running import Invented, Run
from handrail_colang._syntax import ANYTHING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from handrail import Message, Provider, RailsConfig, Registrations

    from handrail_colang._code import ConfigCode
    from handrail_colang._program import Program
    from handrail_colang._syntax import Dialog

logger = logging.getLogger("handrail")

_UNSERVED = (
    "dialogs are followed only in programs that import 'nemoguardrails'; for the commands and the server, replace them "
    "with input rails, which refuse instead of answering"
)


class Dialogs:
    """The dialogs of one configuration.

    Args:
        config: the configuration.
        program: its Colang.
        code: its actions.
        registrations: what it, and the program, register.

    Raises:
        InvalidRailsConfigurationError: an installed rail that one of them executes cannot be built.
    """

    def __init__(self, config: RailsConfig, program: Program, code: ConfigCode, registrations: Registrations) -> None:
        self._program = program
        self._temperature = config.lowest_temperature
        self._intents = Intents(program)
        self._by_intent = _in_order(program.dialogs)
        self._context = RailContext("dialog", "input", config, _no_count, {}, registrations)
        self._actions = {
            dialog.place: Actions(
                code, self._context, program.executed(dialog), dialog=dialog.name or str(dialog.place)
            )
            for dialog in program.dialogs
        }
        self._registrations = registrations

    def in_front_of(self, provider: Provider, name: str = "") -> DialogProvider:
        """Return a provider that answers by itself where a dialog says what to answer, and else asks this one."""
        return DialogProvider(self, provider, provider, name)

    def in_front_of_chain(self, provider: Provider, model: Provider | None) -> DialogProvider:
        """Return a provider that answers likewise before a chain, which cannot be asked what a message means.

        Args:
            provider: the chain.
            model: what is asked instead; without one, only an example's own words are understood.
        """
        return DialogProvider(self, provider, model)

    async def answer(self, messages: Sequence[Message], provider: Provider | None) -> Sequence[str | Invented]:
        """Return what a dialog answers to the last message; nothing if the model is to answer.

        Where an action fails, or a text has a variable that is not defined, an apology is all that is answered.

        Raises:
            ProviderError: the model could not be asked what the message means.
        """
        if not messages or messages[-1]["role"] != "user":
            return ()
        message = _text(messages[-1])
        intent = await self._intents.of(message, lambda question: _asked(provider, question, self._temperature))
        try:
            return await self._answer(intent, message, messages)
        except RailError as exc:
            logger.warning("a dialog failed: %s", type(exc.__cause__ or exc).__name__)
            return (self._program.text_of(APOLOGY) or "",)

    async def _answer(self, intent: str | None, message: str, messages: Sequence[Message]) -> Sequence[str | Invented]:
        said: list[str | Invented] = []
        for dialog in self._by_intent.get(intent or ANYTHING, self._by_intent.get(ANYTHING, ())):
            parts, is_over = await self._said(dialog, message, messages)
            said += parts
            if is_over:
                break
        return said

    async def _said(
        self, dialog: Dialog, message: str, messages: Sequence[Message]
    ) -> tuple[Sequence[str | Invented], bool]:
        """Return what a dialog says, and whether that is all that is said."""
        registered = self._registrations.prompt_context
        call = call_variables.get() or CallVariables()
        known = {**call.given, **call.kept}
        variables = {**known, **{name: value() if callable(value) else value for name, value in registered.items()}}
        turn = Turn(messages=tuple(messages), user_message=message, variables=variables)
        run = Run(self._program, self._actions[dialog.place], self._context, turn, {"user_message": message})
        refusal = await run.flow(dialog)
        call.say({name: run.variables[name] for name in run.changed - {"user_message", "last_user_message"}})
        if refusal is not None and not run.answer:
            return (refusal.message or self._program.text_of(REFUSAL) or "",), True
        return run.answer, refusal is not None or not dialog.is_extension


class DialogProvider:
    """A model that stands behind dialogs.

    Args:
        dialogs: what is answered without the model.
        provider: the model.
        asked: the model that is asked what a message means, if there is one.
        name: its name, for logs.
    """

    def __init__(self, dialogs: Dialogs, provider: Provider, asked: Provider | None, name: str = "") -> None:
        self.name = name or type(provider).__name__
        self._dialogs = dialogs
        self._provider = provider
        self._asked = asked

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    async def stream(self, messages: Sequence[Message], params: Mapping[str, Any]) -> AsyncIterator[Chunk]:
        """Yield the answer of a dialog, or that of the model. What has no words in the dialog, the model words."""
        answer = await self._dialogs.answer(messages, self._asked)
        if not answer:
            async with aclosing(_from(self._provider, messages, params)) as chunks:
                async for chunk in chunks:
                    yield chunk
            return
        for number, part in enumerate(answer):
            if number:
                yield Chunk("\n")
            if isinstance(part, str):
                yield Chunk(part)
                continue
            told = {"role": "system", "content": f"What you do in your next message: {part.phrase}."}
            async with aclosing(_from(self._provider, [told, *messages], params)) as chunks:
                async for chunk in chunks:
                    yield chunk
        if isinstance(answer[-1], str):
            yield Chunk(finish_reason="stop")


dialogs_of_program: ContextVar[list[Dialogs] | None] = ContextVar("dialogs_of_program", default=None)
"""Takes the dialogs of a configuration that is being loaded, from whoever will follow them."""


def _in_order(dialogs: Sequence[Dialog]) -> dict[str, tuple[Dialog, ...]]:
    """Return the dialogs of each intent in the order in which they run: extensions before the one that answers."""
    begun: dict[str, list[Dialog]] = {}
    for dialog in sorted(dialogs, key=lambda dialog: (not dialog.is_extension, -dialog.priority)):
        for intent in dialog.intents:
            begun.setdefault(intent.phrase, []).append(dialog)
    return {phrase: tuple(found) for phrase, found in begun.items()}


def hand_over(config: RailsConfig, program: Program, code: ConfigCode, registrations: Registrations) -> None:
    """Hand the dialogs of a configuration to the program that loads it.

    Raises:
        InvalidRailsConfigurationError: nobody would follow them.
    """
    if not program.dialogs:
        return
    taken = dialogs_of_program.get()
    if taken is None:
        first = {dialog.place.file: dialog.place for dialog in reversed(program.dialogs)}
        problems = tuple(f"{place}: {_UNSERVED}" for place in reversed(first.values()))
        raise InvalidRailsConfigurationError("\n".join(problems), problems=problems)
    taken.append(Dialogs(config, program, code, registrations))


async def _asked(provider: Provider | None, question: str, temperature: float) -> str:
    if provider is None:
        return ""
    messages: list[Message] = [{"role": "user", "content": question}]
    async with aclosing(_from(provider, messages, {"temperature": temperature})) as chunks:
        return "".join([chunk.text async for chunk in chunks])


async def _from(
    provider: Provider, messages: Sequence[Message], params: Mapping[str, Any]
) -> AsyncGenerator[Chunk, None]:
    """Yield what a provider streams; it is closed with this."""
    chunks = provider.stream(messages, params)
    try:
        async for chunk in chunks:
            yield chunk
    finally:
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await close()


def _text(message: Message) -> str:
    """Return the text of a message; the text parts of one in parts are one text."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list | tuple) else ()
    return "".join(str(part.get("text") or "") for part in parts if isinstance(part, Mapping))


def _no_count(text: str) -> int:
    return len(text) // 4 + 1
