"""The package and its provider behave as every plugin and every provider must, with a real model."""

from __future__ import annotations

import threading

import pytest
import torch
from handrail_huggingface import HuggingFacePipelineCompatible
from handrail_testkit import PluginConformance, ProviderCase, ProviderConformance


class _Fails:
    def __init__(self, after):
        self._left = after

    def __call__(self, input_ids, scores):
        if not self._left:
            raise torch.OutOfMemoryError("out of memory")
        self._left -= 1
        return scores


def _is_idle():
    for thread in threading.enumerate():
        if thread.name.startswith("handrail-huggingface"):
            thread.join(300)
    return not any(thread.name.startswith("handrail-huggingface") for thread in threading.enumerate())


class TestPlugin(PluginConformance):
    distribution = "handrail-huggingface"


class TestPipeline(ProviderConformance):
    @pytest.fixture
    def case(self, pipe, steps):
        params = {"temperature": 0, "max_new_tokens": 12}
        return ProviderCase(
            provider=HuggingFacePipelineCompatible(pipeline=pipe, model_kwargs={**params, "logits_processor": [steps]}),
            messages=({"role": "user", "content": "How do I make pancakes?"},),
            failing=HuggingFacePipelineCompatible(
                pipeline=pipe, model_kwargs={**params, "logits_processor": [_Fails(after=3)]}
            ),
            requests=lambda: steps.count,
            is_idle=_is_idle,
        )


class TestEngine(ProviderConformance):
    @pytest.fixture
    def case(self, make_provider, steps):
        return ProviderCase(
            provider=make_provider(temperature=0, max_tokens=12, logits_processor=[steps]),
            messages=({"role": "user", "content": "How do I make pancakes?"},),
            failing=make_provider(device="cuda:99"),
            requests=lambda: steps.count,
            is_idle=_is_idle,
        )
