"""A Llama in NumPy: float32 arithmetic on float16 weights, a cache of keys and values, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Array: TypeAlias = NDArray[np.float32]


AT_ONCE = 4
"""Tokens of a prompt that are computed together. No product is then so large that BLAS calls its threads, which go on
spinning after it, and that costs more than they bring as soon as the machine has something else to do."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The numbers of `config.json` that matter here."""

    layers: int
    heads: int
    context: int
    epsilon: float
    rope_base: float


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer's matrices, each with the norm before it folded in."""

    attend: Array
    combine: Array
    gate_and_up: Array
    down: Array


class Llama:
    """The weights, shared by every answer that is being written."""

    def __init__(self, weights: Mapping[str, NDArray[np.float16]], shape: Shape) -> None:
        self.shape = shape
        self.embedding: Array = weights["model.embed_tokens.weight"].astype(np.float32)
        final_norm = weights["model.norm.weight"].astype(np.float32)
        self.unembedding: Array = self.embedding * final_norm
        width = self.embedding.shape[1] // shape.heads
        self.layers = [_layer(weights, f"model.layers.{index}.", width) for index in range(shape.layers)]
        frequencies = shape.rope_base ** (-np.arange(0, width, 2) / width)
        angles = np.outer(np.arange(shape.context), np.tile(frequencies, 2))
        self.cosines: Array = np.cos(angles).astype(np.float32)
        self.sines: Array = np.sin(angles).astype(np.float32)
        self.sines[:, : width // 2] *= -1


class Run:
    """One text that the model reads and writes, with what it remembers of it."""

    def __init__(self, llama: Llama) -> None:
        self._llama = llama
        self.length = 0
        shape = llama.shape
        size = (shape.layers, 2, shape.heads, shape.context, llama.embedding.shape[1] // shape.heads)
        self._cache: Array = np.empty(size, dtype=np.float32)

    def read(self, tokens: Sequence[int]) -> Array:
        """Read on; return the logits of what comes next. The context must have room, and there must be a token."""
        last = self._llama.embedding[:1]
        for start in range(0, len(tokens), AT_ONCE):
            last = self._pass(tokens[start : start + AT_ONCE])[-1:]
        logits: Array = _times(_norm(last, self._llama.shape.epsilon), self._llama.unembedding)[0]
        return logits

    def _pass(self, tokens: Sequence[int]) -> Array:
        llama, count = self._llama, len(tokens)
        start, end = self.length, self.length + count
        cosines, sines = llama.cosines[start:end], llama.sines[start:end]
        future = np.triu(np.full((count, end), -np.inf, dtype=np.float32), start + 1) if count > 1 else None
        x = llama.embedding[list(tokens)]
        for layer, (keys, values) in zip(llama.layers, self._cache, strict=True):
            mixed = _times(_norm(x, llama.shape.epsilon), layer.attend).reshape(count, 3, llama.shape.heads, -1)
            query, key, value = mixed.transpose(1, 2, 0, 3)
            keys[:, start:end] = _rotate(key, cosines, sines)
            values[:, start:end] = value
            scores = _rotate(query, cosines, sines) @ keys[:, :end].transpose(0, 2, 1)
            if future is not None:
                scores += future
            heard = _softmax(scores) @ values[:, :end]
            x += _times(heard.transpose(1, 0, 2).reshape(count, -1), layer.combine)
            gate, up = np.split(_times(_norm(x, llama.shape.epsilon), layer.gate_and_up), 2, axis=1)
            x += _times(gate * up * (0.5 + 0.5 * np.tanh(0.5 * gate)), layer.down)
        self.length = end
        return x


def _layer(weights: Mapping[str, NDArray[np.float16]], prefix: str, width: int) -> Layer:
    def matrix(name: str) -> Array:
        return weights[f"{prefix}{name}.weight"].astype(np.float32)

    query, key, value = (matrix(f"self_attn.{letter}_proj") for letter in "qkv")
    query *= np.float32(width**-0.5)
    gate_and_up = np.concatenate([matrix("mlp.gate_proj"), matrix("mlp.up_proj")])
    return Layer(
        attend=np.concatenate([query, key, value]) * matrix("input_layernorm"),
        combine=matrix("self_attn.o_proj"),
        gate_and_up=gate_and_up * matrix("post_attention_layernorm"),
        down=matrix("mlp.down_proj"),
    )


def _times(x: Array, matrix: Array) -> Array:
    """Multiply rows by a matrix as it is stored, row by row of the result, in this thread."""
    product: Array = np.einsum("ij,kj->ik", x, matrix)
    return product


def _norm(x: Array, epsilon: float) -> Array:
    mean: Array = np.einsum("ij,ij->i", x, x)[:, None] / np.float32(x.shape[1])
    normed: Array = x / np.sqrt(mean + np.float32(epsilon))
    return normed


def _rotate(x: Array, cosines: Array, sines: Array) -> Array:
    half = x.shape[-1] // 2
    swapped: Array = np.concatenate([x[..., half:], x[..., :half]], axis=-1)
    rotated: Array = x * cosines + swapped * sines
    return rotated


def _softmax(scores: Array) -> Array:
    highest: Array = scores.max(axis=-1, keepdims=True)
    weights: Array = np.exp(scores - highest)
    total: Array = weights.sum(axis=-1, keepdims=True)
    return weights / total
