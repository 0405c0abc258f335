"""A model loaded from its folder: the weights, the tokenizer, and how a conversation becomes tokens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from handrail.errors import ProviderError, message_of
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from handrail_tiny._llama import Llama, Run, Shape
from handrail_tiny._prompt import CONTROL_TOKENS, Control, Piece

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Model:
    """Weights and tokenizer of one folder. Immutable, and shared by every stream."""

    def __init__(self, llama: Llama, tokenizer: Tokenizer) -> None:
        self._llama = llama
        self.tokenizer = tokenizer
        self._plain = Tokenizer.from_str(tokenizer.to_str())
        self._plain.encode_special_tokens = True
        self.control = {token: tokenizer.token_to_id(token) or 0 for token in CONTROL_TOKENS}

    @property
    def context(self) -> int:
        """The most tokens that prompt and answer may have together."""
        return self._llama.shape.context

    def run(self) -> Run:
        """Start a text."""
        return Run(self._llama)

    def encode(self, pieces: Iterable[Piece]) -> list[int]:
        """Turn pieces into token ids. Text that reads like a control token stays text."""
        ids: list[int] = []
        for piece in pieces:
            if isinstance(piece, Control):
                ids.append(self.control[piece.token])
            else:
                ids.extend(self._plain.encode(piece, add_special_tokens=False).ids)
        return ids


def load(folder: Path) -> Model:
    """Load a model that `training` has made.

    Raises:
        ProviderError: the folder is not such a model; the message says what is wrong with it.
    """
    where = f"the model in {str(folder)!r}"
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        llama = Llama(load_file(folder / "model.safetensors"), _shape(config))
    except Exception as exc:  # the tokenizers library raises bare Exceptions
        raise ProviderError(f"engine 'tiny' cannot load {where}: {message_of(exc)}", engine="tiny") from exc
    missing = [token for token in CONTROL_TOKENS if tokenizer.token_to_id(token) is None]
    rows, tokens = llama.embedding.shape[0], tokenizer.get_vocab_size()
    if missing or tokens > rows:
        raise ProviderError(
            f"the tokenizer of {where} does not fit it: {tokens} tokens for {rows} rows of the embedding, "
            f"control tokens that it lacks: {', '.join(missing) or 'none'}; take both from one training run",
            engine="tiny",
        )
    return Model(llama, tokenizer)


def _shape(config: dict[str, Any]) -> Shape:
    """Read the numbers, and refuse what this runtime does not compute."""
    expected = {
        "model_type": "llama",
        "hidden_act": "silu",
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
        "num_key_value_heads": config["num_attention_heads"],
    }
    rope = config.get("rope_parameters") or {"rope_type": "default", "rope_theta": config.get("rope_theta", 10000.0)}
    wrong = [
        f"{key} is {config.get(key)!r}, not {value!r}" for key, value in expected.items() if config.get(key) != value
    ]
    if rope.get("rope_type", "default") != "default":
        wrong.append(f"rope_type is {rope['rope_type']!r}, not 'default'")
    if wrong:
        raise ValueError(f"this runtime runs small Llamas only: {'; '.join(wrong)}; use engine 'huggingface' for it")
    return Shape(
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        context=config["max_position_embeddings"],
        epsilon=config["rms_norm_eps"],
        rope_base=rope["rope_theta"],
    )
