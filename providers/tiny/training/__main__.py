"""Make the model anew: `python -m training [--steps N] [--folder PATH]`, from the folder `providers/tiny`."""

from __future__ import annotations

import argparse
import hashlib
import platform
import sys
from pathlib import Path

import tokenizers
import torch
import transformers

from training.corpus import Author
from training.model import CONTEXT, Plan, train
from training.tokenizer import save_for_transformers, train_tokenizer

HERE = Path(__file__).parent
MODEL = HERE.parent / "src" / "handrail_tiny" / "model"
VOCABULARY = 2048
DIALOGUES_FOR_THE_TOKENIZER = 20_000


def main() -> None:
    """Write the tokenizer, the weights and the log."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=Plan().steps)
    parser.add_argument("--folder", type=Path, default=MODEL)
    parser.add_argument("--log", type=Path, default=HERE / "log.txt")
    options = parser.parse_args()
    plan = Plan(steps=options.steps)
    options.folder.mkdir(parents=True, exist_ok=True)
    with options.log.open("w", encoding="utf-8") as file:

        def log(line: str) -> None:
            file.write(line + "\n")
            file.flush()
            sys.stdout.write(line + "\n")

        log(
            f"Python {platform.python_version()}, torch {torch.__version__}, "
            f"transformers {transformers.__version__}, tokenizers {tokenizers.__version__}, one thread"
        )
        log(f"{plan}")
        texts = [
            message[part]
            for dialogue in Author(plan.seed).dialogues(DIALOGUES_FOR_THE_TOKENIZER)
            for message in dialogue.messages
            for part in ("content", "reasoning")
            if part in message
        ]
        tokenizer = train_tokenizer(texts, VOCABULARY)
        save_for_transformers(tokenizer, options.folder, (HERE / "chat_template.jinja").read_text(), CONTEXT)
        model = train(tokenizer, plan, log).half()
        model.generation_config.do_sample = False
        model.save_pretrained(options.folder)
        digest = hashlib.sha256((options.folder / "model.safetensors").read_bytes()).hexdigest()
        log(f"sha256 of model.safetensors {digest}")


if __name__ == "__main__":
    main()
