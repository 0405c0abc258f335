"""Runs in LangChain's own virtual environment: streams the job through its PII middleware."""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from langchain.agents.middleware import PIIMiddleware

TYPES = ("email", "credit_card", "ip", "mac_address", "url")


def transformers() -> list[Any]:
    """Return what the middleware installs into a stream of output."""
    made = [PIIMiddleware(kind, strategy="redact", apply_to_output=True) for kind in TYPES]
    return [factory(()) for middleware in made for factory in middleware.transformers]


def event(kind: str, **payload: Any) -> dict[str, Any]:
    """Make one event of a message's stream."""
    data = ({"event": kind, "index": 0, **payload}, {"run_id": "r"})
    return {"method": "messages", "params": {"data": data}}


def streamed(pieces: list[str]) -> tuple[str, int, float]:
    """Return what is delivered, how many characters of it before the end, and the CPU seconds that it took.

    A reader of the deltas alone never gets the last 128 characters of each detector; so what the last event of the
    message has beyond the deltas is counted as delivered too.
    """
    chain = transformers()
    events = [event("content-block-delta", delta={"type": "text-delta", "text": piece}) for piece in pieces]
    last = event("content-block-finish", content={"type": "text", "text": "".join(pieces)})
    started = time.process_time()
    for item in (*events, last):
        for transformer in chain:
            transformer.process(item)
    took = time.process_time() - started
    deltas = "".join(item["params"]["data"][0]["delta"]["text"] for item in events)
    whole = last["params"]["data"][0]["content"]["text"]
    rest = whole[len(deltas) :] if whole.startswith(deltas) else whole[-128 * len(chain) :]
    return deltas + rest, len(deltas), took


def main(job: Path, out: Path) -> None:
    """Stream everything."""
    results = {}
    for split, texts in json.loads(job.read_text("utf-8")).items():
        done = [streamed(pieces) for pieces in texts]
        seconds, count = sum(took for _, _, took in done), sum(map(len, texts))
        outputs, early = [text for text, _, _ in done], sum(before for _, before, _ in done)
        results[split] = {"outputs": outputs, "early": early, "microseconds": seconds / count * 1e6}
    out.write_text(json.dumps({"system": f"LangChain {version('langchain')}", "results": results}), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
