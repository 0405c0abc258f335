"""Answers in OpenAI's harmony format: messages, each with a header that names its channel and its recipient.

    <|channel|>analysis<|message|>Reasoning.<|end|><|start|>assistant<|channel|>final<|message|>Answer.<|return|>

The channel `final`, and `commentary` to nobody, are for the user. All else is reasoning, also what is unknown.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from handrail_huggingface._markers import MarkerFinder
from handrail_huggingface._parts import Call, Text, Thought

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

START, CHANNEL, CONSTRAIN, MESSAGE = "<|start|>", "<|channel|>", "<|constrain|>", "<|message|>"
END, RETURN, CALL = "<|end|>", "<|return|>", "<|call|>"
TOKENS = (START, CHANNEL, CONSTRAIN, MESSAGE, END, RETURN, CALL)
"""Every token of the format."""

_FOR_USERS = frozenset({"final", "commentary"})
_USERS = frozenset({"user", "all"})
_OWN_ROLE = re.compile(r"\A\s*assistant\b\s*")
_ROLE = re.compile(r"\s*\w*(\s+to=\S*)?(\s+\w*)?\s*")
"""What may precede the channel: a role, a recipient, the form of the content. Anything else is an answer without a
header."""
_AFTER_CHANNEL = re.compile(r"\s*\w*(\s+to=\S*)?(\s*<\|constrain\|>)?(\s+\w*)?\s*")
_CHANNEL_NAME = re.compile(r"\s*(analysis|commentary|final|\w*)")


class HarmonyReader:
    """Reads an answer in channels; `encode` gives the form that the format's tokens have in the text.

    Args:
        encode: from a token's text to what stands for it.
        functions: the names of the functions that the model may call.
    """

    def __init__(self, encode: Callable[[str], str] = str, functions: Collection[str] = ()) -> None:
        self.is_over = False
        self._functions = functions
        self._token = {encode(token): token for token in TOKENS}
        self._finder = MarkerFinder()
        self._header: str | None = ""  # None inside a message
        self._has_channel = False
        self._is_bare = False  # text without a header: an answer
        self._call: str | None = None
        self._part: type[Text | Thought] = Text
        self._body = ""

    def begin(self, prompt: str) -> None:
        """Look at the end of the prompt: the header of the message has begun there, and may have ended."""
        start = next(encoded for encoded, token in self._token.items() if token == START)
        _, opened, header = prompt.rpartition(start)
        if opened:
            list(self.feed(header))
        if self._header and not self._has_channel:
            self._header = _OWN_ROLE.sub("", self._header)

    def feed(self, text: str) -> Iterator[Text | Thought | Call]:
        """Take the next text; yield what it completes."""
        marker: str | None = text
        while marker is not None and not self.is_over:
            before, marker = self._finder.feed(text, tuple(self._token))
            yield from self._say(before)
            if marker is not None:
                yield from self._cross(self._token[marker])
            text = ""

    def finish(self) -> Iterator[Text | Thought | Call]:
        """Yield what was held back, a call that was never closed included. A header that was not closed is no text."""
        if self.is_over:
            return
        yield from self._say(self._finder.finish())
        yield from self._close(is_whole=False)
        bare = _OWN_ROLE.sub("", self._header or "")
        if bare.strip() and not self._has_channel:
            yield Text(bare)

    def _say(self, text: str) -> Iterator[Text | Thought]:
        if self._header is not None and not self._is_bare:
            self._header += text
            text = self._beyond_header(self._header)
        if self._call is not None:
            self._body += text
        elif text:
            yield self._part(text)

    def _beyond_header(self, header: str) -> str:
        """Return what cannot be a header: the model has forgotten the token that ends it, or the whole of it."""
        role, channel, rest = header.partition(CHANNEL)
        if not channel:
            if _ROLE.fullmatch(role):
                return ""
            self._header, self._is_bare, self._part = "", True, Text
            return _OWN_ROLE.sub("", role)
        if _AFTER_CHANNEL.fullmatch(rest):
            return ""
        name = _CHANNEL_NAME.match(rest)
        end = name.end() if name else 0
        self._open(f"{role}{channel}{rest[:end]}")
        return rest[end:]

    def _cross(self, token: str) -> Iterator[Text | Thought | Call]:
        if token == MESSAGE and self._header is not None:
            self._open(self._header)
        elif token in {CHANNEL, CONSTRAIN} and self._header is not None:
            self._has_channel, self._is_bare = self._has_channel or token == CHANNEL, False
            self._header += f" {token} "
        else:
            yield from self._close(is_whole=token in {CALL, END, RETURN})
            self._header, self._has_channel, self._is_bare = "", False, False
            self.is_over = token in {CALL, RETURN}

    def _open(self, header: str) -> None:
        """Begin a message: who reads it?"""
        role, _, rest = header.partition(CHANNEL)
        words = [word for word in rest.split() if not word.startswith(("to=", "<|"))]
        channel = words[0] if words else _channel_in(role)
        recipient = next((word[3:] for word in reversed(header.split()) if word.startswith("to=")), "user")
        name = recipient.removeprefix("functions.")
        is_call = self._functions and (name != recipient or name in self._functions)
        is_for_users = channel in _FOR_USERS and recipient in _USERS
        self._header, self._is_bare, self._body = None, False, ""
        self._call = name if is_call else None
        self._part = Text if is_for_users else Thought

    def _close(self, *, is_whole: bool) -> Iterator[Text | Call]:
        """End a message. A call that was cut is one if its arguments are whole; else it is text, which rails read."""
        name, self._call = self._call, None
        if name is None:
            return
        body, self._body = self._body.strip(), ""
        yield Call(name, body or "{}") if is_whole or _is_json(body) else Text(body)


def _channel_in(role: str) -> str:
    """Return the channel of a header without its token: models forget it, and then name the channel as the role."""
    words = [word for word in role.split() if not word.startswith(("to=", "<|")) and word != "assistant"]
    return words[0].removeprefix("assistant") if words else "final"


def _is_json(body: str) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True
