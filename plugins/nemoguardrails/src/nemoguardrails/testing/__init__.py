"""A model for tests of applications."""

from __future__ import annotations

from nemoguardrails.testing.fake_model import FakeLLMModel as FakeLLMModel
