"""A text-generation pipeline, looked at once: what it can read, how long, and how it marks the parts of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import torch
from handrail.errors import ConfigurationError, ProviderBadRequestError
from transformers import StoppingCriteria

from handrail_huggingface._dialect import Dialect, Tags

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from transformers import TextGenerationPipeline

    from handrail_huggingface._parameters import Parameters
    from handrail_huggingface._streamer import TokenStreamer

_NO_LIMIT = 10**9

_ONE_TEXT: Mapping[str, object] = {
    "num_beams": 1,
    "num_return_sequences": 1,
    "num_beam_groups": 1,
    "constraints": None,
    "force_words_ids": None,
    "penalty_alpha": None,
    "dola_layers": None,
    "stop_strings": None,
}
"""What a stream needs, whatever a generation_config says: one text, whose tokens come as they are chosen. Its stop
strings are this package's to find, because transformers leaves them in the text."""


class LocalModel:
    """A model with its tokenizer, ready to write.

    Attributes:
        name: what to call it in messages.
        tokenizer: the pipeline's.
        context: the most tokens that prompt and answer may have together, None if the model does not say.
        dialect: how it marks reasoning and tool calls.
        special: ids of the tokenizer's special tokens, by their text.
        silent: tokens that are no text.
        stop: strings that end an answer, if a call has no others.

    Raises:
        ConfigurationError: the pipeline is for something else, or its tokenizer does not fit its model.
    """

    def __init__(
        self,
        pipeline: TextGenerationPipeline,
        name: str,
        *,
        chat_template: str | None = None,
        reasoning_tags: Tags | None = None,
        tool_call_tags: Tags | None = None,
    ) -> None:
        if pipeline.task != "text-generation" or pipeline.tokenizer is None:
            raise ConfigurationError(
                f"a pipeline for {pipeline.task!r} was given; it must be one for 'text-generation', with a tokenizer"
            )
        self.name = name
        self.tokenizer = pipeline.tokenizer
        self._pipeline = pipeline
        self._chat_template = chat_template
        self._refuse_foreign_tokenizer()
        self.special, added = self._special_tokens()
        template = str(chat_template or self.tokenizer.chat_template)
        self.dialect = Dialect.of(template, reasoning_tags, tool_call_tags, tokens=added)
        self.context = self._context()
        self.silent = frozenset(self.special.values())
        self.stop = self._stop()

    def write(
        self,
        conversation: list[dict[str, Any]],
        parameters: Parameters,
        streamer: TokenStreamer,
        ends: Callable[[], bool],
    ) -> None:
        """Generate one text, in this thread; stops at the next token once `ends` says so.

        Raises:
            ProviderBadRequestError: there is no chat template.
            Exception: whatever `generate` raises.
        """
        if not (self._chat_template or self.tokenizer.chat_template):
            raise ProviderBadRequestError(
                f"model {self.name!r} has no chat template, so it cannot read a conversation; give one as "
                f"'chat_template' in the model's parameters, or set it on the pipeline's tokenizer",
                engine="huggingface",
            )
        encode = {"sanitize_control_tokens": True, **parameters.template}
        if self._chat_template:
            encode["chat_template"] = self._chat_template
        given = {**parameters.generate, **self._one_text(parameters.generate)}
        criteria = [*given.pop("stopping_criteria", ()), _Ends(ends, self.context)]
        with _seeded(parameters.seed, self._pipeline.model.device):
            self._pipeline(
                conversation,
                streamer=streamer,
                stopping_criteria=criteria,
                continue_final_message=False,
                tools=[dict(tool) for tool in parameters.tools] or None,
                tokenizer_encode_kwargs=encode,
                return_tensors=True,
                **given,
            )

    def is_end(self, token: int, given: Mapping[str, Any]) -> bool:
        """Check whether the model ends its texts with this token."""
        found = (source["eos_token_id"] for source in self._sources(given) if source.get("eos_token_id") is not None)
        ends = next(found, None)
        return token in (ends if isinstance(ends, list | tuple) else (ends,))

    def _sources(self, given: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return where transformers takes a parameter from, the first that has it."""
        pipeline: Any = self._pipeline
        made_with = {} if "generation_config" in given else pipeline._generate_kwargs  # noqa: SLF001  # kept nowhere else
        layers = [given, made_with, pipeline._forward_params]  # noqa: SLF001  # kept nowhere else
        configs = [layer["generation_config"] for layer in layers if layer.get("generation_config") is not None]
        return [*layers, *map(vars, [*configs, pipeline.model.generation_config])]

    def _one_text(self, given: Mapping[str, Any]) -> dict[str, object]:
        sources = self._sources(given)
        return {
            name: needed
            for name, needed in _ONE_TEXT.items()
            if any(source.get(name) not in (None, needed) for source in sources)
        }

    def _stop(self) -> tuple[str, ...]:
        found = (source["stop_strings"] for source in self._sources({}) if source.get("stop_strings"))
        strings = next(found, ())
        return (strings,) if isinstance(strings, str) else tuple(strings)

    def _refuse_foreign_tokenizer(self) -> None:
        embeddings: Any = self._pipeline.model.get_input_embeddings()
        rows = embeddings.weight.shape[0]
        if len(self.tokenizer) > rows:
            raise ConfigurationError(
                f"the tokenizer of {self.name!r} does not fit the model: it has {len(self.tokenizer)} tokens and the "
                f"model {rows}; take both from the same place"
            )

    def _context(self) -> int | None:
        config = self._pipeline.model.config.get_text_config()
        limits = [getattr(config, "max_position_embeddings", None), self.tokenizer.model_max_length]
        return min((limit for limit in limits if limit and limit < _NO_LIMIT), default=None)

    def _special_tokens(self) -> tuple[dict[str, int], list[str]]:
        """Return the special tokens with their ids, and the texts of all tokens that were added to the vocabulary."""
        added = self.tokenizer.added_tokens_decoder
        special = {token.content: id_ for id_, token in added.items() if token.special}
        special |= dict(zip(self.tokenizer.all_special_tokens, self.tokenizer.all_special_ids, strict=True))
        return special, [token.content for token in added.values()]


class _Ends(StoppingCriteria):
    """Ends the text when nobody wants more of it, or when the context is full."""

    def __init__(self, ends: Callable[[], bool], context: int | None) -> None:
        self._ends = ends
        self._context = context or _NO_LIMIT

    def __call__(self, input_ids: torch.Tensor, scores: object, **_: object) -> torch.BoolTensor:  # noqa: ARG002  # called with names
        is_over = self._ends() or input_ids.shape[1] >= self._context
        done = torch.full((input_ids.shape[0],), is_over, device=input_ids.device, dtype=torch.bool)
        return cast("torch.BoolTensor", done)


@contextmanager
def _seeded(seed: int | None, device: torch.device) -> Iterator[None]:
    """Draw from a seed of its own inside the block, and leave the program's generator as it was."""
    if seed is None:
        yield
        return
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
