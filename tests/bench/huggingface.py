"""Measure models that run in this process: the Hugging Face provider and the tiny model; prints a Markdown table.

    .venv/bin/python tests/bench/huggingface.py [--quick] [--device cuda]

The tiny model in transformers is the hardest case: a token takes it a few milliseconds, so every microsecond around
it shows. Rounds of both are interleaved, and the ratio is that of neighbouring rounds, because other work on the
machine comes and goes. What is said of a second of CPU does not depend on such work.
"""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import threading
import time
from contextlib import aclosing
from pathlib import Path

import anyio
import torch
from handrail import LLMRails, RailsConfig, Registry, Ruling, Verdict
from handrail.plugins import RailSpec, hookimpl
from handrail_huggingface import HuggingFacePipelineCompatible
from handrail_testkit import provider_context
from handrail_tiny import MODEL_PATH
from handrail_tiny.provider import TinyProvider
from handrail_tiny.settings import TinySettings
from transformers import AsyncTextIteratorStreamer, pipeline
from transformers.utils import logging

QUICK = "--quick" in sys.argv
DEVICE = sys.argv[sys.argv.index("--device") + 1] if "--device" in sys.argv else "cpu"
ROUNDS = 5 if QUICK else 31
GENERATIONS = 40 if QUICK else 200
STORY = [{"role": "user", "content": "Tell me a story about a fox."}]
LIMIT = 120


class Free:
    """A rail that lets everything pass."""

    def __init__(self, settings: object, context: object) -> None: ...

    def open(self, turn: object) -> Free:
        return self

    def feed(self, text: str) -> Ruling:
        return Ruling(text)

    def finish(self) -> Ruling:
        return Ruling()


class BlocksAtForest(Free):
    """A rail that blocks at a word in the middle of the story."""

    def open(self, turn: object) -> BlocksAtForest:
        return BlocksAtForest(None, None)

    def feed(self, text: str) -> Ruling:
        return Ruling(block=Verdict.block("enough")) if "storm" in text else Ruling(text)


class Rails:
    @hookimpl
    def handrail_rails(self):
        yield RailSpec("free", Free)
        yield RailSpec("blocks", BlocksAtForest)


class Steps:
    """Counts the tokens that are computed."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        self.count += 1
        return scores


def guarded(flow: str, llm: object) -> LLMRails:
    rails = {"output": {"flows": [flow], "streaming": {"enabled": True}}}
    config = RailsConfig.from_content(config={"rails": rails})
    return LLMRails(config, llm=llm, registry=Registry.discover().with_plugins(Rails()))


async def bare(pipe) -> float:
    """Generate in a thread and read transformers' own streamer, as its documentation shows; tokens per second."""
    chat = pipe.tokenizer.apply_chat_template(STORY, add_generation_prompt=True, return_tensors="pt").to(DEVICE)
    streamer = AsyncTextIteratorStreamer(pipe.tokenizer, skip_prompt=True)
    arguments = {**chat, "max_new_tokens": LIMIT, "min_new_tokens": LIMIT, "do_sample": False, "streamer": streamer}
    started = time.perf_counter()
    thread = threading.Thread(target=pipe.model.generate, kwargs=arguments)
    thread.start()
    async for _ in streamer:
        pass
    thread.join()
    return LIMIT / (time.perf_counter() - started)


async def through_rails(rails: LLMRails) -> float:
    started = time.perf_counter()
    async with rails.stream(messages=STORY) as stream:
        async for _ in stream:
            pass
    return stream.response.usage.output_tokens / (time.perf_counter() - started)


async def speed(pipe) -> list[str]:
    params = {"temperature": 0, "max_new_tokens": LIMIT, "min_new_tokens": LIMIT}
    async with guarded("free", HuggingFacePipelineCompatible(pipe, params)) as rails:
        await bare(pipe)
        await through_rails(rails)
        pairs = [(await bare(pipe), await through_rails(rails)) for _ in range(ROUNDS)]
    theirs, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(our / their for their, our in pairs)
    return [
        f"| bare `generate` with transformers' streamer | {theirs:.0f} tokens/s |",
        f"| the same model through `LLMRails` with a free rail | {ours:.0f} tokens/s, {ratio:.2f} of bare |",
    ]


async def after_a_block(pipe) -> list[str]:
    steps, further = Steps(), []
    params = {"temperature": 0, "max_new_tokens": LIMIT, "logits_processor": [steps]}
    async with guarded("blocks", HuggingFacePipelineCompatible(pipe, params)) as rails:
        for _ in range(5 if QUICK else 20):
            async with rails.stream(messages=STORY) as stream:
                async for event in stream:
                    if type(event).__name__ == "Blocked":
                        at_the_block = steps.count
            await anyio.sleep(0.05)
            further.append(steps.count - at_the_block)
    return [f"| tokens computed after a block | {max(further)} at most in {len(further)} streams |"]


def resident() -> float:
    """Megabytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


async def memory(pipe) -> list[str]:
    llm = HuggingFacePipelineCompatible(pipe, {"temperature": 0, "max_new_tokens": 16})
    seen: list[float] = []
    for number in range(GENERATIONS):
        async with aclosing(llm.stream(STORY, {})) as stream:
            async for _ in stream:
                if number % 4 == 3:  # some are left early
                    break
        if number in {GENERATIONS // 10, GENERATIONS - 1}:
            gc.collect()
            seen.append(resident())
    first, last = seen
    return [f"| memory after {GENERATIONS // 10} and after {GENERATIONS} generations | {first:.0f} and {last:.0f} MB |"]


async def tiny() -> list[str]:
    provider = TinyProvider(TinySettings(max_tokens=LIMIT), provider_context("tiny", model=None))
    rates, of_cpu = [], []
    for _ in range(ROUNDS):
        started, cpu = time.perf_counter(), time.process_time()
        async with aclosing(provider.stream(STORY, {})) as stream:
            tokens = [chunk.usage.output_tokens async for chunk in stream if chunk.usage is not None][-1]
        rates.append(tokens / (time.perf_counter() - started))
        of_cpu.append(tokens / (time.process_time() - cpu))
    speed, best, cpu = statistics.median(rates), max(rates), statistics.median(of_cpu)
    return [f"| `engine: tiny`, streamed | {speed:.0f} tokens/s, best {best:.0f}, {cpu:.0f} per second of CPU |"]


def load_time() -> list[str]:
    """Load the tiny model in fresh processes."""
    code = (
        "import time; wall, cpu = time.perf_counter(), time.process_time()\n"
        "from handrail_tiny._model import load; from handrail_tiny import MODEL_PATH; load(MODEL_PATH)\n"
        "print(time.perf_counter() - wall, time.process_time() - cpu)"
    )
    runs = [subprocess.check_output([sys.executable, "-c", code], text=True).split() for _ in range(5)]
    wall, cpu = (min(map(float, column)) for column in zip(*runs, strict=True))
    return [f"| `engine: tiny`, imports and weights in a fresh process | {wall:.2f} s, {cpu:.2f} s of CPU |"]


async def main() -> None:
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    pipe = pipeline("text-generation", model=str(MODEL_PATH), dtype=torch.float32, device=DEVICE)
    rows = [*await speed(pipe), *await after_a_block(pipe), *await memory(pipe), *await tiny(), *load_time()]
    print(f"| measured on {DEVICE}, torch {torch.__version__} | |\n|---|---|", *rows, sep="\n")


if __name__ == "__main__":
    anyio.run(main)
