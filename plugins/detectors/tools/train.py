# ruff: noqa: INP001, S311, T201  # a script, which draws samples and prints what it measures
"""Trains the embedded classifier: `python plugins/detectors/tools/train.py`. Needs NumPy, which nothing else here does.

It reads the training part of the rows that `handrail-eval` ships, and nothing of the rest. Values that a person would
not share are varied, digit by digit, so that what is learnt is their form.
"""

from __future__ import annotations

import json
import random
import string
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from handrail_detectors._embedded import REACH
from handrail_detectors._features import BUCKETS, buckets_of
from handrail_detectors._rows import LABELS, read_rows

TARGET = Path(__file__).parents[1] / "src" / "handrail_detectors" / "classifier.bin"
SEED, ROUNDS, RATE, DECAY = 7, 20, 0.3, 1e-6
VARIED = {"email", "payment card", "iban", "secret"}

Sample = tuple[str, str | None]


def varied(chance: random.Random, text: str) -> str:
    """Return a value of the same form: other digits, and in long runs of letters other letters."""
    changed = [chance.choice(string.digits) if char in string.digits else char for char in text]
    if "@" in text:
        name, _, domain = text.partition("@")
        letters = [chance.choice(string.ascii_lowercase) if char.isalpha() else char for char in name]
        host = "".join(chance.choice(string.ascii_lowercase) for _ in range(chance.randint(3, 9)))
        ending = chance.choice(["com", "org", "net", "de", "fr", "io", "co.uk"])
        return "".join(letters) + "@" + chance.choice([domain, f"{host}.{ending}"])
    if len(text) > 30 and " " not in text:
        return text[:4] + "".join(chance.choices(string.ascii_letters + string.digits, k=len(text) - 4))
    return "".join(changed)


def samples_of(chance: random.Random, row: dict[str, Any]) -> list[Sample]:
    """Cut pieces out of a row: those that have its violation, and some that do not."""
    text, samples = row["text"], []
    for start, end, label in row["spans"]:
        for _ in range(6):
            value = varied(chance, text[start:end]) if label in VARIED else text[start:end]
            room = max(REACH - len(value), 0)
            left = chance.randint(0, room)
            samples.append((text[max(start - left, 0) : start] + value + text[end : end + room - left], label))
    digits = [at for at, char in enumerate(text) if char in string.digits + "@_="]
    for number in range(16):
        at = chance.randrange(max(len(text) - REACH // 2, 1))
        if digits and number % 2:
            at = max(chance.choice(digits) - chance.randrange(REACH), 0)
        end = at + chance.choice([REACH, REACH, REACH // 2])
        if all(end <= first or at >= last for first, last, _ in row["spans"]):
            samples.append((text[at:end], None))
    return samples


def train(samples: list[Sample]) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of each bucket and label, and the bias of each label."""
    chance = random.Random(SEED)
    features = [np.array([n for runs in buckets_of(text) for n in runs], dtype=np.int64) for text, _ in samples]
    wanted = np.array([[label == name for name in LABELS] for _, label in samples], dtype=np.float64)
    weights, bias = np.zeros((BUCKETS, len(LABELS))), np.full(len(LABELS), -2.0)
    squares = np.full_like(weights, 1e-2)
    order = list(range(len(samples)))
    for _ in range(ROUNDS):
        chance.shuffle(order)
        for index in order:
            found = features[index]
            if not len(found):
                continue
            guess = 1 / (1 + np.exp(-np.clip(bias + weights[found].sum(axis=0), -30, 30)))
            step = (guess - wanted[index]) / np.sqrt(len(found))
            np.add.at(squares, found, step * step)
            change = RATE * step / np.sqrt(squares[found])
            np.subtract.at(weights, found, change * 0.1)
            bias -= 0.01 * step
        weights *= 1 - DECAY
    return weights, bias


def written(weights: np.ndarray, bias: np.ndarray) -> bytes:
    """Return the file: a header in JSON, then one signed byte for each bucket of each label, packed."""
    limit = float(np.quantile(np.abs(weights[weights != 0]), 0.999)) or 1.0
    small = np.clip(np.round(weights / limit * 127), -127, 127).astype(np.int8)
    header = json.dumps({"labels": list(LABELS), "scale": limit / 127, "bias": [round(float(b), 6) for b in bias]})
    body = zlib.compress(small.T.tobytes(), 9)
    return struct.pack("<I", len(header)) + header.encode() + body


def main() -> None:
    """Train on the training part and write the file."""
    chance = random.Random(SEED)
    samples = [sample for row in read_rows("training") for sample in samples_of(chance, row)]
    TARGET.write_bytes(written(*train(samples)))
    print(f"{len(samples)} pieces, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
