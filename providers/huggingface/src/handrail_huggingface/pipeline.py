"""A pipeline that the caller has made, as a provider: `LLMRails(config, llm=HuggingFacePipelineCompatible(...))`."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from handrail.errors import ConfigurationError

from handrail_huggingface._loading import ReadyModel
from handrail_huggingface._local_model import LocalModel
from handrail_huggingface._parameters import is_known, suggestion
from handrail_huggingface._streams import ModelStreams
from handrail_huggingface._turns import Turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from handrail import Chunk, Message
    from transformers import TextGenerationPipeline


class HuggingFacePipelineCompatible:
    """Streams what a text-generation pipeline writes.

    Every stream has a streamer of its own, so that several can use one pipeline. A streamer among `model_kwargs`, or
    one that the pipeline was made with, is not fed; its `timeout` counts here, too.

    Args:
        pipeline: made by `transformers.pipeline("text-generation", ...)`.
        model_kwargs: generation parameters for every call, such as `temperature` and `max_new_tokens`.
        max_concurrency: how many texts the model writes at once.
        max_waiting: how many streams may wait for their turn.
        max_pending: how many chunks the model may be ahead of the reader.

    Raises:
        ConfigurationError: the pipeline or a parameter cannot be used.
    """

    def __init__(
        self,
        pipeline: TextGenerationPipeline,
        model_kwargs: Mapping[str, Any] | None = None,
        *,
        max_concurrency: int = 1,
        max_waiting: int = 16,
        max_pending: int = 32,
    ) -> None:
        self.pipeline = pipeline
        self.model_kwargs = dict(model_kwargs or {})
        self.name = str(pipeline.model.name_or_path or type(pipeline.model).__name__)
        model = ReadyModel(LocalModel(pipeline, self.name), Turns(max_concurrency, max_waiting))
        streamer = self.model_kwargs.get("streamer") or pipeline._forward_params.get("streamer")  # noqa: SLF001  # kept nowhere else
        timeout = getattr(streamer, "timeout", None)
        self._streams = ModelStreams(model, _generation_parameters(self.model_kwargs), max_pending, timeout)

    def stream(self, messages: Sequence[Message], params: Mapping[str, Any]) -> AsyncIterator[Chunk]:
        """Answer; `params` override `model_kwargs`.

        Raises:
            ProviderError: as soon as the first chunk is asked for; see the README's table.
        """
        return self._streams.stream(messages, params)


def _generation_parameters(model_kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what the same parameters have told `transformers.pipeline` already."""
    from transformers import TextGenerationPipeline, pipeline

    told = {"streamer", *inspect.signature(pipeline).parameters}
    told |= inspect.signature(TextGenerationPipeline._sanitize_parameters).parameters.keys()  # noqa: SLF001  # no other list of them
    given = {name: value for name, value in model_kwargs.items() if is_known(name) or name not in told}
    for name in given:
        if not is_known(name):
            raise ConfigurationError(f"model_kwargs has an unknown parameter {name!r}{suggestion(name)}")
    return given
