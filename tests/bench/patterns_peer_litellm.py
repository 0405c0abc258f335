"""Runs in LiteLLM's own virtual environment: streams the job through its content filter, and writes what comes out."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

from litellm.proxy.guardrails.guardrail_hooks.litellm_content_filter.content_filter import ContentFilterGuardrail
from litellm.types.utils import Delta, ModelResponseStream, StreamingChoices

PATTERNS = (
    "email", "us_phone", "credit_card", "us_ssn", "ipv4", "ipv6", "iban", "aws_access_key", "github_token",
)  # fmt: skip


def chunk(text: str, finish_reason: str | None = None) -> ModelResponseStream:
    """Make one chunk as LiteLLM has them."""
    return ModelResponseStream(choices=[StreamingChoices(delta=Delta(content=text), finish_reason=finish_reason)])


async def source(pieces: list[ModelResponseStream]) -> AsyncIterator[ModelResponseStream]:
    """Stream chunks that were made beforehand, so that making them does not count."""
    for piece in pieces:
        yield piece


async def streamed(guardrail: ContentFilterGuardrail, pieces: list[str]) -> tuple[str, int, float]:
    """Return what is delivered, how much before the end, and the CPU seconds beyond reading the source."""
    chunks = [*map(chunk, pieces), chunk("", "stop")]
    started = time.process_time()
    async for _ in source(chunks):
        pass
    bare = time.process_time() - started
    data = {"model": "m", "metadata": {}}
    started = time.process_time()
    texts = [
        item.choices[0].delta.content or ""
        async for item in guardrail.async_post_call_streaming_iterator_hook(
            user_api_key_dict=None, response=source(chunks), request_data=data
        )
    ]
    took = time.process_time() - started - bare
    return "".join(texts), len("".join(texts[:-1])), took


async def stream_all(job: dict[str, list[list[str]]]) -> dict[str, object]:
    """Stream everything."""
    patterns = [{"pattern_type": "prebuilt", "pattern_name": name, "action": "MASK"} for name in PATTERNS]
    guardrail = ContentFilterGuardrail(guardrail_name="bench", patterns=patterns, event_hook="post_call")
    results: dict[str, object] = {}
    for split, texts in job.items():
        done = [await streamed(guardrail, pieces) for pieces in texts]
        seconds, count = sum(took for _, _, took in done), sum(map(len, texts))
        outputs, early = [text for text, _, _ in done], sum(before for _, before, _ in done)
        results[split] = {"outputs": outputs, "early": early, "microseconds": seconds / count * 1e6}
    return results


def main(job: Path, out: Path) -> None:
    """Stream the job, and write what came out."""
    results = asyncio.run(stream_all(json.loads(job.read_text("utf-8"))))
    out.write_text(json.dumps({"system": f"LiteLLM {version('litellm')}", "results": results}), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
