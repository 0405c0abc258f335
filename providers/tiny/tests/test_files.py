"""The files that ship: small, anonymous, reproducible, and of one piece."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from handrail_tiny import MODEL_PATH
from safetensors.numpy import load_file

TRAINING = Path(__file__).parents[1] / "training"


def test_the_weights_are_small():
    weights = load_file(MODEL_PATH / "model.safetensors")
    assert sum(matrix.size for matrix in weights.values()) <= 1_500_000
    assert {matrix.dtype for matrix in weights.values()} == {np.dtype(np.float16)}
    assert (MODEL_PATH / "model.safetensors").stat().st_size <= 3_000_000


def test_the_log_is_of_the_weights_that_ship():
    digest = hashlib.sha256((MODEL_PATH / "model.safetensors").read_bytes()).hexdigest()
    assert digest in (TRAINING / "log.txt").read_text()


def test_the_chat_template_that_ships_is_the_one_of_the_training():
    assert (MODEL_PATH / "chat_template.jinja").read_text() == (TRAINING / "chat_template.jinja").read_text()


def written(seed, count=400):
    """Dialogues as the training sees them, from a fresh process."""
    code = (
        "import json, sys; from training.corpus import Author\n"
        f"print(json.dumps([(d.messages, len(d.tools)) for d in Author({seed}).dialogues({count})]))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=TRAINING.parent, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def test_the_same_seed_writes_the_same_dialogues():
    assert written(1, 50) == written(1, 50) != written(2, 50)


def test_nothing_in_the_corpus_belongs_to_anybody():
    """Addresses, numbers and hosts are of the ranges that are reserved for examples."""
    said = "\n".join(str(m["content"]) for messages, _ in written(3) for m in messages if m["role"] == "assistant")
    addresses = set(re.findall(r"[a-z.]+@([a-z]+\.[a-z]+)", said))
    assert addresses <= {"example.com", "example.org", "example.net"}
    assert set(re.findall(r"(\+[\d ]+-\d+-\d\d)\d\d\b", said)) == {"+1 202-555-01"}
    hosts = set(re.findall(r"\b(\d+\.\d+\.\d+)\.\d+\b", said))
    assert hosts == {"192.0.2", "198.51.100", "203.0.113"}


def test_discovery_imports_nothing_heavy():
    code = "import sys, handrail_tiny.plugin; print({'numpy', 'tokenizers', 'pydantic', 'anyio'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "set()\n"
