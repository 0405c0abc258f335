"""The package's strategies behave as every strategy must."""

from __future__ import annotations

import pytest
from handrail_testkit import StrategyCase, StrategyConformance


class TestSentence(StrategyConformance):
    @pytest.fixture
    def case(self):
        return StrategyCase("sentence")


class TestSmallSentences(StrategyConformance):
    @pytest.fixture
    def case(self):
        return StrategyCase("sentence", {"min_tokens": 1, "max_tokens": 3, "context_sentences": 2})


class TestParagraph(StrategyConformance):
    @pytest.fixture
    def case(self):
        return StrategyCase("paragraph", {"min_tokens": 5, "max_tokens": 60})


class TestWhole(StrategyConformance):
    expected_failures = {"test_what_it_keeps_does_not_grow": "it waits for the whole answer, which is what it is for"}

    @pytest.fixture
    def case(self):
        return StrategyCase("whole")
