"""Making a pipeline of what a configuration says. Imports PyTorch and transformers; runs in a thread of its own."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from handrail.errors import ProviderError, ProviderServerError, message_of
from transformers import AutoTokenizer, pipeline
from transformers.utils import logging as _transformers_logging

from handrail_huggingface._failures import as_provider_error
from handrail_huggingface._local_model import LocalModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handrail_huggingface.settings import HuggingFaceSettings


_bars: Any = _transformers_logging


def load_model(name: str, settings: HuggingFaceSettings, base_path: Path) -> LocalModel:
    """Load a model from a folder or the hub.

    Raises:
        ProviderError: it cannot be loaded; says from where and why.
        ConfigurationError: it was loaded, but cannot write.
    """
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    _refuse_missing_device(name, settings.device)
    try:
        with _progress_on_a_terminal():
            made = pipeline("text-generation", model=name, **_arguments(name, settings))
    except Exception as exc:
        known = as_provider_error(exc, name)
        if isinstance(known, ProviderServerError):
            raise known from exc
        where = f"the folder {name!r}" if Path(name).is_dir() else f"{name!r} on the Hugging Face hub"
        raise ProviderError(
            f"the model cannot be loaded from {where}: {message_of(exc)}; name a folder with config.json, tokenizer "
            f"and weights, or a model of the hub that this machine can reach or has in its cache",
            engine="huggingface",
        ) from exc
    return LocalModel(
        made,
        name,
        chat_template=_template(settings.chat_template, base_path),
        reasoning_tags=settings.reasoning_tags,
        tool_call_tags=settings.tool_call_tags,
    )


def _arguments(name: str, settings: HuggingFaceSettings) -> dict[str, Any]:
    spread = settings.device == "auto"
    tokenizer = AutoTokenizer.from_pretrained(
        settings.tokenizer or name,
        revision=None if settings.tokenizer else settings.revision,
        trust_remote_code=settings.trust_remote_code,
    )
    return {
        "tokenizer": tokenizer,
        "device_map": "auto" if spread else None,
        "device": None if spread else settings.device,
        "dtype": settings.dtype,
        "revision": settings.revision,
        "trust_remote_code": settings.trust_remote_code,
        "model_kwargs": settings.model_kwargs,
    }


def _refuse_missing_device(name: str, device: str | int | None) -> None:
    if str(device).startswith("cuda") and not torch.cuda.is_available():
        raise ProviderError(
            f"model {name!r} is to run on {device!r}, but PyTorch finds no GPU here; use the device 'cpu', or install "
            f"the build of PyTorch for this machine's GPU",
            engine="huggingface",
        )


def _template(template: str | None, base_path: Path) -> str | None:
    """Read a template from its file, unless it is one itself."""
    if template is None or "{" in template:
        return template
    try:
        return (base_path / template).read_text(encoding="utf-8")
    except OSError as exc:
        raise ProviderError(
            f"the chat template {template!r} cannot be read: {message_of(exc)}", engine="huggingface"
        ) from exc


@contextmanager
def _progress_on_a_terminal() -> Iterator[None]:
    """Let transformers draw its bars where somebody can see them, and nowhere else."""
    if sys.stderr.isatty() or not _bars.is_progress_bar_enabled():
        yield
        return
    _bars.disable_progress_bar()
    try:
        yield
    finally:
        _bars.enable_progress_bar()
