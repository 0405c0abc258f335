"""Looks for English that style.md asks to avoid, in docstrings and pages: `python tests/prose.py`.

Docstrings of functions begin with the usual verbs; pages and docstrings have none of the phrases below.
Packages that are being rewritten are added to `CHECKED` when they are clean.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHECKED = (
    "plugins/cli",
    "plugins/colang",
    "plugins/guard-models",
    "plugins/patterns",
    "plugins/self-check",
    "plugins/strategies",
    "plugins/tools",
    "providers/anthropic",
    "providers/bridge",
    "providers/huggingface",
    "providers/langchain",
    "providers/scripted",
    "providers/tiny",
    "docs",
)
VERBS = re.compile(r"(Give|Tell|Say|Take note|Mend)\b")
"""How a docstring of a function does not begin."""
WORDS: Mapping[str, str] = {
    r"\bis no (YAML|JSON|UTF-8|pattern)\b": "is not valid ...",
    r"\bmends?\b": "fix",
    r"\bbelongs? into\b": "belongs in",
    r"\bnobody serves\b": "not installed",
    r"\btalked over\b": "manipulated",
    r"\bnot by turns\b": "not round-robin",
    r"\bare above nothing\b": "there are any",
    r"\bput before it\b": "added automatically",
    r"\bnobody who reads along\b": "not the reader",
    r"\basks no model anything\b": "without calling any model",
    r"\blet the beginning out\b": "release the beginning",
    r"\btakes no more requests\b": "is rate limited",
}
"""Phrases, each with what a native reader expects."""


def problems(folders: tuple[str, ...] = CHECKED) -> Iterator[str]:
    """Yield what should be worded otherwise, with its place."""
    files = [file for folder in folders for file in sorted((ROOT / folder).rglob("*")) if _is_ours(file)]
    for file in [*files, *ROOT.glob("*.md")]:
        if file.name != "CHANGELOG.md":
            yield from _in_text(file) if file.suffix == ".md" else _in_docstrings(file)


def _is_ours(file: Path) -> bool:
    return file.suffix in (".py", ".md") and not {"_build", ".venv", "node_modules"} & set(file.parts)


def _in_text(file: Path) -> Iterator[str]:
    text = re.sub(r"^```.*?^```", _blank, file.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    yield from _found(file, re.sub(r"`[^`\n]*`", _blank, text), 1)


def _in_docstrings(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        docstring = ast.get_docstring(node, clean=False)
        if docstring is None:
            continue
        line = node.body[0].lineno
        if not isinstance(node, ast.Module | ast.ClassDef) and (begun := VERBS.match(docstring)):
            yield f"{file.relative_to(ROOT)}:{line}: a docstring begins with {begun[0]!r}; use a verb such as 'Return'"
        yield from _found(file, docstring, line)


def _found(file: Path, text: str, first: int) -> Iterator[str]:
    for pattern, better in WORDS.items():
        for match in re.finditer(pattern, text, re.IGNORECASE):
            line = first + text.count("\n", 0, match.start())
            yield f"{file.relative_to(ROOT)}:{line}: {match[0]!r}; better: {better!r}"


def _blank(match: re.Match[str]) -> str:
    """Keep the lines of what is left out, so that places stay right."""
    return "\n" * match[0].count("\n")


if __name__ == "__main__":
    found = list(problems())
    print("\n".join(found))
    sys.exit(1 if found else 0)
