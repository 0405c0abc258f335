"""What the thread of a generation does once it is its turn: let the model write, and make chunks of the tokens."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from handrail import Chunk, Usage
from handrail.errors import ProviderContextLengthError

from handrail_huggingface._answer import Answer
from handrail_huggingface._decoding import PieceDecoder
from handrail_huggingface._streamer import TokenStreamer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from handrail_huggingface._local_model import LocalModel
    from handrail_huggingface._parameters import Parameters


_TAIL = 64
"""Tokens at the end of the prompt in which the template may have opened a part of the answer."""

_encoding = threading.Lock()
"""Held until a prompt is encoded: transformers switches its tokenizer to plain text and back while it reads a message,
and another thread's message would be read the wrong way meanwhile."""


def write(
    model: LocalModel,
    conversation: list[dict[str, Any]],
    parameters: Parameters,
    put: Callable[[Chunk], None],
    has_left: Callable[[], bool],
) -> None:
    """Write one answer, chunk by chunk, the last with what it has cost and why it ended.

    Raises:
        Exception: whatever `generate` raises.
    """
    dialect = model.dialect if parameters.tools else replace(model.dialect, tool_calls=None)
    functions = {str(tool.get("function", tool).get("name")) for tool in parameters.tools}
    answer = Answer(dialect, parameters.stop or model.stop, model.special, functions)
    with ExitStack() as encoding:
        encoding.enter_context(_encoding)
        streamer = _ChunkStreamer(model, answer, put, encoding.close)
        model.write(conversation, parameters, streamer, lambda: has_left() or answer.stopped)
    streamer.end()
    tokens = streamer.token_ids
    stopped = answer.stopped or (bool(tokens) and model.is_end(tokens[-1], parameters.generate))
    reason = "length" if not stopped else "tool_calls" if answer.calls else "stop"
    put(Chunk(usage=Usage(len(streamer.prompt_ids), len(tokens)), finish_reason=reason))


class _ChunkStreamer(TokenStreamer):
    """Turns tokens into chunks, in the thread that generates."""

    def __init__(
        self, model: LocalModel, answer: Answer, put: Callable[[Chunk], None], say_encoded: Callable[[], None]
    ) -> None:
        super().__init__()
        self._say_encoded = say_encoded
        self._answer = answer
        self._model = model
        self._put = put
        self._decoder = PieceDecoder(model.tokenizer, skip_special_tokens=False)

    def on_prompt(self, ids: Sequence[int]) -> None:
        """Refuse a prompt that leaves no room for an answer."""
        self._say_encoded()
        context = self._model.context
        if context is not None and len(ids) >= context:
            raise ProviderContextLengthError(
                f"the conversation has {len(ids)} tokens, and the context of model {self._model.name!r} is {context}; "
                f"shorten the conversation or its instructions",
                engine="huggingface",
            )
        self._answer.begin(
            "".join(self._texts(ids[-_TAIL:], PieceDecoder(self._model.tokenizer, skip_special_tokens=False)))
        )

    def on_tokens(self, ids: Sequence[int]) -> None:
        """Put what the tokens complete."""
        for text in self._texts(ids, self._decoder):
            self._give(text)

    def on_end(self) -> None:
        """Put the rest."""
        self._give(self._answer.symbols.clean(self._decoder.finish()))
        for chunk in self._answer.finish():
            self._put(chunk)

    def _texts(self, ids: Sequence[int], decoder: PieceDecoder) -> Iterator[str]:
        """Yield the text of tokens, and the symbols of those that have a meaning."""
        symbols = self._answer.symbols
        for id_ in ids:
            symbol = symbols.of_token.get(id_)
            if symbol is not None:
                yield symbols.clean(decoder.finish())
                yield symbol
            elif id_ not in self._model.silent:
                yield symbols.clean(decoder.feed([id_]))

    def _give(self, text: str) -> None:
        if text:
            for chunk in self._answer.feed(text):
                self._put(replace(chunk, usage=Usage(len(self.prompt_ids), len(self.token_ids))))
