"""Where the model lies."""

from __future__ import annotations

from pathlib import Path

MODEL_PATH = Path(__file__).parent / "model"
"""The folder with the weights, the tokenizer and the chat template, as transformers loads it too."""
