"""A model and a conversation for tests of applications."""

from __future__ import annotations

from nemoguardrails.testing.chat_harness import TestChat as TestChat
from nemoguardrails.testing.fake_model import FakeLLMModel as FakeLLMModel
