"""The provider behaves as every provider must."""

from __future__ import annotations

import pytest
from handrail_langchain import LangChainProvider
from handrail_testkit import ProviderCase, ProviderConformance


class TestLangChain(ProviderConformance):
    @pytest.fixture
    def case(self, chat_model, piece):
        model = chat_model(
            piece("Hel", {"input_tokens": 5, "output_tokens": 0}),
            piece("lo."),
            piece("", {"input_tokens": 0, "output_tokens": 2}, {"finish_reason": "stop"}),
        )
        failing = chat_model(piece("Hel"), error=ValueError("offline"))
        return ProviderCase(
            provider=LangChainProvider(model),
            expected_text="Hello.",
            failing=LangChainProvider(failing),
            requests=lambda: len(model.asked),
            is_idle=lambda: model.open == 0,
        )
