"""The tiny model, loaded once by transformers, and ways to ask it.

Transformers is imported where it is needed: a process that only hands tests out reads this module, too.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import pytest
from handrail import Chunk
from handrail_testkit import provider_context
from handrail_tiny import MODEL_PATH

Collect = Callable[..., Awaitable[list[Chunk]]]

DEVICE = os.environ.get("HANDRAIL_TEST_DEVICE", "cpu")
"""Where the model runs: set it to "cuda" to run the same tests on a GPU."""


@pytest.fixture(scope="session")
def pipe():
    import torch
    from transformers import pipeline

    torch.set_num_threads(1)
    return pipeline("text-generation", model=str(MODEL_PATH), dtype=torch.float32, device=DEVICE)


@pytest.fixture
def tokenizer(pipe):
    return pipe.tokenizer


@pytest.fixture
def llm(pipe):
    from handrail_huggingface import HuggingFacePipelineCompatible

    return HuggingFacePipelineCompatible(pipeline=pipe, model_kwargs={"temperature": 0, "max_new_tokens": 200})


@pytest.fixture
def make_provider():
    """Make a provider as the kernel does."""
    from handrail_huggingface.provider import HuggingFaceProvider
    from handrail_huggingface.settings import HuggingFaceSettings

    def make(model=str(MODEL_PATH), *, engine="huggingface", context=None, **parameters):
        context = context or provider_context(engine, model=model)
        return HuggingFaceProvider(
            HuggingFaceSettings.model_validate({"dtype": "float32", "device": DEVICE, **parameters}), context
        )

    return make


@pytest.fixture
def collect() -> Collect:
    async def collect(provider, messages="Tell me a story about a fox.", **params):
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        async with aclosing(provider.stream(messages, params)) as stream:
            return [chunk async for chunk in stream]

    return collect


class Steps:
    """Counts the tokens that a model computes: pass it as `logits_processor=[steps]`.

    Attributes:
        count: those until now.
        at_the_end: those until somebody had left.
    """

    def __init__(self):
        self.count = 0
        self.at_the_end = None

    def __call__(self, input_ids, scores):
        self.count += 1
        return scores


@pytest.fixture
def steps(monkeypatch):
    from handrail_huggingface._generation import Generation

    steps, leave = Steps(), Generation.leave

    def left(generation):
        leave(generation)
        if steps.at_the_end is None:
            steps.at_the_end = steps.count

    monkeypatch.setattr(Generation, "leave", left)
    return steps
