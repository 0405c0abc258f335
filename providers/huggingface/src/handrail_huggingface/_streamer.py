"""The streamers that `generate` feeds: token ids in, whole characters out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transformers.generation.streamers import BaseStreamer

from handrail_huggingface._channel import Channel
from handrail_huggingface._decoding import PieceDecoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerBase


class TokenStreamer(BaseStreamer):
    """Takes what `generate` sends, apart from what becomes of the text. One streamer serves one text at a time.

    Attributes:
        prompt_ids: the tokens of the prompt, once `generate` has begun.
        token_ids: the tokens that were generated so far.
    """

    def __init__(self) -> None:
        self.prompt_ids: list[int] = []
        self.token_ids: list[int] = []
        self._has_begun = False

    def put(self, value: Any) -> None:
        """Take the prompt, or the next tokens: a tensor of the shape (n,) or (1, n), or a list."""
        ids = _flat(value)
        if self._has_begun:
            self.token_ids += ids
            self.on_tokens(ids)
            return
        self._has_begun = True
        self.prompt_ids, self.token_ids = ids, []
        self.on_prompt(ids)

    def end(self) -> None:
        """Take the end of the text."""
        self._has_begun = False
        self.on_end()

    def on_prompt(self, ids: Sequence[int]) -> None:
        """Do what is to be done once the prompt is read."""

    def on_tokens(self, ids: Sequence[int]) -> None:
        """Do what is to be done with generated tokens."""

    def on_end(self) -> None:
        """Do what is to be done at the end."""


class AsyncTextIteratorStreamer(TokenStreamer):
    """Gives the text of one `generate` call after the other as an asynchronous iterator of pieces.

    Made anywhere, also before an event loop runs. Pieces are whole characters and never empty. Iteration ends with
    the text; the next iteration gives the next one.

    Args:
        tokenizer: the model's.
        skip_prompt: leave out the prompt, which otherwise is the first piece.
        timeout: seconds that a reader waits for a piece; then it gets a `TimeoutError`, and may ask again.
        max_pending: how many pieces `generate` may be ahead of the reader, once there is one.
        decode_kwargs: for the tokenizer's `decode`, such as `skip_special_tokens`.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        skip_prompt: bool = False,  # noqa: FBT001, FBT002  # the signature that existing code calls
        timeout: float | None = None,
        *,
        max_pending: int = 32,
        **decode_kwargs: Any,
    ) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.skip_prompt = skip_prompt
        self.timeout = timeout
        self.decode_kwargs = decode_kwargs
        self._decoder = PieceDecoder(tokenizer, **decode_kwargs)
        self._channel: Channel[str] = Channel(max_pending)

    def on_prompt(self, ids: Sequence[int]) -> None:
        """Pass the prompt on, unless it is skipped."""
        if not self.skip_prompt:
            self.on_tokens(ids)

    def on_tokens(self, ids: Sequence[int]) -> None:
        """Pass on what the tokens complete."""
        if text := self._decoder.feed(ids):
            self._channel.put(text)

    def on_end(self) -> None:
        """Pass on the rest, and the end."""
        if text := self._decoder.finish():
            self._channel.put(text)
        self._decoder = PieceDecoder(self.tokenizer, **self.decode_kwargs)
        self._channel.finish()

    def fail(self, error: BaseException) -> None:
        """Make the reader raise this error: `generate` itself never tells its streamer that it failed."""
        self._has_begun = False
        self._decoder = PieceDecoder(self.tokenizer, **self.decode_kwargs)
        if isinstance(error, StopIteration | StopAsyncIteration):  # it would look like the end of the text
            error = _caused(RuntimeError(f"generate raised {type(error).__name__}"), error)
        self._channel.finish(error)

    def leave(self) -> None:
        """Stop reading for good: a thread that waits goes on, and what it sends is dropped."""
        self._channel.leave()

    def __aiter__(self) -> AsyncTextIteratorStreamer:
        return self

    async def __anext__(self) -> str:
        return await self._channel.get(self.timeout)


def _caused(error: RuntimeError, cause: BaseException) -> RuntimeError:
    error.__cause__ = cause
    return error


def _flat(value: Any) -> list[int]:
    shape: tuple[int, ...] = getattr(value, "shape", ())
    if len(shape) > 1 and shape[0] > 1:
        raise ValueError(f"a streamer takes one text at a time; generate was given a batch of {shape[0]}")
    return [int(token) for token in (value.reshape(-1).tolist() if hasattr(value, "reshape") else value)]
