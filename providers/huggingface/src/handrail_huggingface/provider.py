"""The engine `huggingface`: a model of a configuration, loaded once and in a thread, and streams of its answers."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from handrail.errors import ConfigurationError

from handrail_huggingface._loading import LazyModel
from handrail_huggingface._sharing import shared_model
from handrail_huggingface._streams import ModelStreams
from handrail_huggingface._turns import Turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from handrail import Chunk, Message, ProviderContext

    from handrail_huggingface._local_model import LocalModel
    from handrail_huggingface.settings import HuggingFaceSettings

_DEVICES = {"hf_pipeline_cpu": "cpu", "hf_pipeline_gpu": "cuda"}
"""What some names of the engine say about the device."""

_LOADING = ("device", "dtype", "revision", "tokenizer", "chat_template", "trust_remote_code", "model_kwargs")
_TAGS = ("reasoning_tags", "tool_call_tags")


class HuggingFaceProvider:
    """Runs a model with transformers in this process.

    Raises:
        ConfigurationError: PyTorch is missing, or no model is named, or the folder that is named holds none.
    """

    def __init__(self, settings: HuggingFaceSettings, context: ProviderContext) -> None:
        _require_torch()
        name = _found(context.model.model or settings.path, context.base_path)
        if settings.device is None and (device := _DEVICES.get(context.model.engine)):
            settings = settings.model_copy(update={"device": device})

        base_path = context.base_path  # and not the context: what loads must not keep the configuration alive

        def load() -> LocalModel:
            from handrail_huggingface._pipelines import load_model

            return load_model(name, settings, base_path)

        key = repr((name, [getattr(settings, field) for field in (*_LOADING, *_TAGS)]))
        turns = Turns(settings.max_concurrency, settings.max_waiting)
        self._model = shared_model(context.config, key, lambda: LazyModel(name, load, turns))
        self._streams = ModelStreams(self._model, settings.generation, settings.max_pending)
        if settings.preload:
            self._model.start()

    def stream(self, messages: Sequence[Message], params: Mapping[str, Any]) -> AsyncIterator[Chunk]:
        """Answer; `params` override the configured parameters.

        Raises:
            ProviderError: as soon as the first chunk is asked for; see the README's table.
        """
        return self._streams.stream(messages, params)

    async def aclose(self) -> None:
        """Wait for a model that is still being loaded. The streams are closed by their readers."""
        await to_thread.run_sync(self._model.join)


def _require_torch() -> None:
    if sys.modules.get("torch", "unknown") is None or find_spec("torch") is None:
        raise ConfigurationError(
            "engine 'huggingface' needs PyTorch, which is not installed; install it with "
            "'pip install \"handrail-huggingface[torch]\"'",
            code="missing-package",
            subject="handrail-huggingface[torch]",
            fix='pip install "handrail-huggingface[torch]"',
        )


def _found(name: str | None, base_path: Path) -> str:
    """Return the folder or hub name that transformers is to load; a folder is meant relative to the configuration."""
    if not name:
        raise ConfigurationError("engine 'huggingface' needs the model's folder or hub name; write it as 'model'")
    folder = base_path / os.path.expanduser(name)  # noqa: PTH111  # "~" may stand in a name that is no path
    is_path = folder.is_dir() or name.startswith((".", "/", "~")) or folder.exists()
    if not is_path:
        return name
    if not (folder / "config.json").is_file():
        raise ConfigurationError(
            f"engine 'huggingface' was asked for the model {name!r}, but {str(folder)!r} is not a folder with a "
            f"config.json; name a folder that save_pretrained has written, or a model of the hub",
            code="missing-file",
            subject=str(folder),
            fix="put it there, or correct its name",
        )
    return str(folder)
