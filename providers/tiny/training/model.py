"""The network and its training: a small Llama, one thread, one seed."""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from handrail_tiny._prompt import BEGIN, END, PAD, ROLES, THINK, conversation
from transformers import LlamaConfig, LlamaForCausalLM

from training.corpus import Author
from training.tokenizer import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tokenizers import Tokenizer

CONTEXT = 512
IGNORED = -100


@dataclass(frozen=True, slots=True)
class Plan:
    """The numbers of a training run."""

    seed: int = 2026
    steps: int = 3200
    rows: int = 4
    learning_rate: float = 3e-3
    warmup: int = 100
    weight_decay: float = 0.05


def build(tokenizer: Tokenizer) -> LlamaForCausalLM:
    """Make the untrained network."""
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=128,
        intermediate_size=344,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=CONTEXT,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.token_to_id(BEGIN),
        eos_token_id=tokenizer.token_to_id(END),
        pad_token_id=tokenizer.token_to_id(PAD),
    )
    return LlamaForCausalLM(config)


def rows(author: Author, tokenizer: Tokenizer) -> Iterator[tuple[list[int], list[int]]]:
    """Pack dialogues into rows of `CONTEXT` tokens; only what the assistant says is a label."""
    ids: list[int] = []
    labels: list[int] = []
    assistant, end, think = (tokenizer.token_to_id(token) for token in (ROLES["assistant"], END, THINK))
    while True:
        for dialogue in author.dialogues(64):
            said = False
            for token in encode(tokenizer, list(conversation(dialogue.messages, dialogue.tools)))[:CONTEXT]:
                ids.append(token)
                labels.append(token if said and token != think else IGNORED)
                said = (said and token != end) or token == assistant
        while len(ids) >= CONTEXT:
            yield ids[:CONTEXT], labels[:CONTEXT]
            del ids[:CONTEXT], labels[:CONTEXT]


def train(tokenizer: Tokenizer, plan: Plan, log: Callable[[str], None]) -> LlamaForCausalLM:
    """Train; the same plan gives the same weights on the same machine."""
    torch.set_num_threads(1)
    torch.manual_seed(plan.seed)
    random.seed(plan.seed)
    model = build(tokenizer)
    log(f"parameters {sum(p.numel() for p in model.parameters()):,}, vocabulary {tokenizer.get_vocab_size()}")
    decayed = [p for p in model.parameters() if p.dim() > 1]
    plain = [p for p in model.parameters() if p.dim() <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": plan.weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=plan.learning_rate,
        betas=(0.9, 0.95),
    )
    source = rows(Author(plan.seed), tokenizer)
    started, total = time.monotonic(), 0.0
    for step in range(1, plan.steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = plan.learning_rate * _schedule(step, plan)
        batch = [next(source) for _ in range(plan.rows)]
        loss = model(
            input_ids=torch.tensor([ids for ids, _ in batch]),
            labels=torch.tensor([labels for _, labels in batch]),
        ).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        total += loss.item()
        if step % 100 == 0:
            seen, seconds = step * plan.rows * CONTEXT, time.monotonic() - started
            log(f"step {step:5d}  loss {total / 100:.4f}  tokens {seen:,}  {seconds:.0f} s")
            total = 0.0
    return model.eval()


def _schedule(step: int, plan: Plan) -> float:
    if step < plan.warmup:
        return step / plan.warmup
    done = (step - plan.warmup) / max(1, plan.steps - plan.warmup)
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done))
