"""Answers from documents, each window of which is checked against those documents before anybody reads it.

pip install "handrail[self-check,scripted]"
python answer.py "How long is the warranty?"
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from handrail import LLMRails, Message, RailsConfig, TextDelta

HERE = Path(__file__).parent
_WORD = re.compile(r"\w{4,}")


def retrieve(question: str, most: int = 2) -> list[str]:
    """Return the paragraphs that share most words with the question; a vector store would do this better."""
    asked = set(_WORD.findall(question.lower()))
    paragraphs = [
        paragraph.strip()
        for document in sorted((HERE / "documents").glob("*.txt"))
        for paragraph in document.read_text(encoding="utf-8").split("\n\n")
    ]
    ranked = sorted(paragraphs, key=lambda paragraph: -len(asked & set(_WORD.findall(paragraph.lower()))))
    return ranked[:most]


def messages_for(question: str, found: list[str]) -> list[Message]:
    """Return the conversation: the documents for the model, and the same as evidence for the rail."""
    return [
        {"role": "context", "content": {"evidence": found}},
        {"role": "system", "content": "Answer from these documents only:\n\n" + "\n\n".join(found)},
        {"role": "user", "content": question},
    ]


async def answer(rails: LLMRails, question: str) -> str:
    """Print the answer as it is cleared; return how it ended."""
    async with rails.stream(messages=messages_for(question, retrieve(question))) as stream:
        async for event in stream:
            if isinstance(event, TextDelta):
                print(event.text, end="", flush=True)
    stop = stream.response.stop
    print(f"\n[{stop.message}]" if stop is not None else "")
    return stream.response.outcome


async def main(question: str) -> int:
    """Answer one question."""
    async with LLMRails(RailsConfig.from_path(HERE / "config")) as rails:
        return 0 if await answer(rails, question) == "finished" else 3


if __name__ == "__main__":
    sys.exit(asyncio.run(main(" ".join(sys.argv[1:]) or "How long is the warranty?")))
