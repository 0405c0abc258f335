"""The package and its engines behave as every plugin and provider must, against a server that speaks the protocol."""

from __future__ import annotations

from itertools import chain

import pytest
from handrail_testkit import Completion, Pause, PluginConformance, ProviderCase, ProviderConformance, replies


class TestPlugin(PluginConformance):
    distribution = "handrail-bridge"
    takes_unknown_settings = dict.fromkeys(
        (
            "bedrock",
            "cohere",
            "deepseek",
            "fireworks",
            "google_genai",
            "groq",
            "mistralai",
            "together",
            "trt_llm",
            "vertexai",
            "watsonx",
        ),  # fmt: skip
        "the service has parameters of its own, which are passed on",
    )


class _Bridged(ProviderConformance):
    engine = ""

    @pytest.fixture
    async def case(self, protocol_server, make_provider, key):
        protocol_server.key = key
        protocol_server.models = {"test-model": None}
        pieces = chain.from_iterable((Pause(0.004), piece) for piece in replies.stream(Completion()))
        protocol_server.default = replies.sse(pieces)
        return ProviderCase(
            provider=make_provider(self.engine, protocol_server.base_url),
            expected_text="Hello, world!",
            failing=make_provider(self.engine, protocol_server.base_url, model="unknown"),
            secret=key,
            requests=lambda: len(protocol_server.requests),
            is_idle=protocol_server.wait_idle,
        )


class TestGroq(_Bridged):
    engine = "groq"


class TestGoogle(_Bridged):
    engine = "google_genai"


class TestMistral(_Bridged):
    engine = "mistralai"


class TestBedrock(_Bridged):
    engine = "bedrock"


class TestWatsonx(ProviderConformance):
    @pytest.fixture
    async def case(self, watsonx_server, make_provider, key):
        watsonx_server.api_key = key
        given = {"iam_url": watsonx_server.iam_url, "project_id": "p-1"}
        return ProviderCase(
            provider=make_provider("watsonx", watsonx_server.origin, **given),
            expected_text="Hello, world!",
            failing=make_provider("watsonx", watsonx_server.origin, model="unknown", **given),
            secret=key,
            requests=lambda: len(watsonx_server.asked),
            is_idle=watsonx_server.wait_idle,
        )
