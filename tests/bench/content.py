"""Measures what reading JSON as content costs: microseconds for four characters, which is about a token.

The limit for reading is 1.5 µs. Writing back is measured with each chunk released at once, the dearest way.
"""

from __future__ import annotations

import json
from time import perf_counter

from handrail._content import JsonContent

ROUNDS = 30
ITEMS = [{"id": number, "name": f"item {number}", "ok": True} for number in range(160)]
MAIL = {"to": "alice@example.com", "subject": "Meeting notes", "body": "word and more text, then " * 200}
DOCUMENTS = {
    "a mail with a list": json.dumps({**MAIL, "list": ITEMS[:60]}),
    "one long string": json.dumps({"body": MAIL["body"]}),
    "many small objects": json.dumps(ITEMS),
    "the same without spaces": json.dumps(ITEMS, separators=(",", ":")),
    "escapes alone": json.dumps({"text": "内部机密文件" * 300}),
}


def measure(raw: str, *, write: bool) -> float:
    """Return the microseconds for a chunk of four characters, the best of some rounds."""
    chunks = [raw[at : at + 4] for at in range(0, len(raw), 4)]
    return min(once(chunks, write=write) for _ in range(ROUNDS)) / len(chunks) * 1e6


def once(chunks: list[str], *, write: bool) -> float:
    """Return the seconds for a document."""
    content, at = JsonContent(), 0
    started = perf_counter()
    for chunk in chunks:
        text = content.feed(chunk)
        if write and text:
            content.encode(((at, at + len(text), None),))
            at += len(text)
    content.finish()
    return perf_counter() - started


if __name__ == "__main__":
    print(f"{'':26}{'read':>6}{'read and written':>18}   µs for four characters")
    for name, document in DOCUMENTS.items():
        print(f"{name:26}{measure(document, write=False):6.2f}{measure(document, write=True):18.2f}")
