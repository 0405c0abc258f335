"""NeMo Guardrails' `Guardrails` with its IORails engine; models are answered in process instead of over HTTP."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from typing import Any

from cases import OVERLAP, WINDOW
from nemoguardrails import Guardrails, RailsConfig
from nemoguardrails.guardrails.model_engine import ModelEngine
from nemoguardrails.types import LLMResponse, LLMResponseChunk
from systems.nemo_llmrails import texts
from work import Judge, Source

_MARK = "Answer to judge: "


def _config(judges: list[Judge]) -> RailsConfig:
    names = [f"judge{number}" for number in range(len(judges))]
    model = {"engine": "openai", "parameters": {"base_url": "http://127.0.0.1:9/v1"}}
    models = [{"type": name, "model": name, **model} for name in ("main", *names)]
    flows = [f"content safety check output $model={name}" for name in names]
    streaming = {"enabled": True, "chunk_size": WINDOW, "context_size": OVERLAP, "stream_first": False}
    output = {"flows": flows, "parallel": True, "streaming": streaming}
    prompts = [
        {
            "task": f"content_safety_check_output $model={name}",
            "content": _MARK + "{{ bot_response }}",
            "output_parser": "is_content_safe",
        }
        for name in names
    ]
    yaml = {"models": models, "rails": {"output": output}, "prompts": prompts}
    return RailsConfig.from_content(yaml_content=json.dumps(yaml))


class Guarded:
    """Guardrails whose models are answered here, above the layer that speaks HTTP."""

    def __init__(self, case: dict[str, Any], judges: list[Judge]) -> None:
        os.environ.setdefault("OPENAI_API_KEY", "none")
        self._sources: dict[str, Source] = {}
        self._judges = {f"judge{number}": judge for number, judge in enumerate(judges)}
        ModelEngine.chat_completion = self._answer_judge()
        ModelEngine.stream_chat_completion = self._answer_main()
        self._rails = Guardrails(_config(judges), require_iorails=True)

    def _answer_judge(self) -> Any:
        judges = self._judges

        async def chat_completion(engine: Any, messages: Any, **kwargs: Any) -> LLMResponse:
            allowed = await judges[engine.model_name].allows(messages[-1]["content"].partition(_MARK)[2])
            return LLMResponse(content="safe" if allowed else "unsafe")

        return chat_completion

    def _answer_main(self) -> Any:
        sources = self._sources

        async def stream_chat_completion(engine: Any, messages: Any, **kwargs: Any) -> AsyncIterator[LLMResponseChunk]:
            async for token in sources[messages[-1]["content"]]:
                yield LLMResponseChunk(delta_content=token)

        return stream_chat_completion

    def stream(self, source: Source) -> AsyncIterator[str]:
        """Stream an answer as an application would."""
        key = str(len(self._sources))
        self._sources[key] = source
        return texts(self._rails.stream_async(messages=[{"role": "user", "content": key}]))


def refuses(case: dict[str, Any]) -> str | None:
    """Return why a case cannot be done; None if it can."""
    return None
