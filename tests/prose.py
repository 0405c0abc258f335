"""Looks for English that native readers stumble over, in docstrings, messages and pages: `python tests/prose.py`.

Docstrings of functions begin with the usual verbs; pages, docstrings and
the texts of what is shipped (all strings below a folder `src`) have none of the phrases below.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHECKED = ("core", "plugins", "providers", "tests", "docs")
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
    r"\bis not carried out\b": "is not supported",
    r"\bstands? beside\b": "cannot be combined with",
    r"\bstands? here again\b": "is a duplicate",
    r"\bnames no rail\b": "no rail name",
    r"\bit offers nothing\b": "it registers nothing",
    r"\banswered nothing\b": "returned an empty answer",
    r"\bcommits itself to\b": "gave a clear",
    r"\bwas never set\b": "is not defined",
    r"\bneeds the whole of\b": "checks whole texts only",
    r"\bwaits for this stream\b": "is already reading this stream",
    r"\bnothing at this path\b": "not found",
    r"\bnot known by this name\b": "unknown Host header",
    r"\bmay not use this\b": "is not authorized to use this",
    r"\bthinks? in silence\b": "reason silently",
    r"\bit does not talk\b": "may only refuse, not converse",
    r"\bshare out one text\b": "match the same text in many ways",
    r"\btwo configurations are named\b": "configuration given twice",
    r"\bcan stand\b|\bmay stand\b": "is valid",
    r"\bhas it, and so has\b": "as does",
    r"\bturned that round\b": "reversed",
    r"\bturns? round\b": "reverse",
}
"""Phrases, each with what a native reader expects."""


def problems(folders: tuple[str, ...] = CHECKED) -> Iterator[str]:
    """Yield what should be worded otherwise, with its place."""
    files = [file for folder in folders for file in sorted((ROOT / folder).rglob("*")) if _is_ours(file)]
    for file in [*files, *ROOT.glob("*.md")]:
        if file.name == "CHANGELOG.md":
            yield from _repeated(file)
        else:
            yield from _READERS[file.suffix](file)


def _is_ours(file: Path) -> bool:
    return file.suffix in _READERS and not {"_build", ".venv", "node_modules"} & set(file.parts)


def _repeated(file: Path) -> Iterator[str]:
    """Yield headings that a version of the changelog has twice, as merges of its lists leave them."""
    seen: set[str] = set()
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        if line.startswith("## "):
            seen.clear()
        elif line.startswith("### "):
            if line in seen:
                yield f"{file.relative_to(ROOT)}:{number}: {line!r} comes twice; join the two"
            seen.add(line)


def _in_text(file: Path) -> Iterator[str]:
    text = re.sub(r"^```.*?^```", _blank, file.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    yield from _found(file, re.sub(r"`[^`\n]*`", _blank, text), 1)


def _in_code(file: Path) -> Iterator[str]:
    is_shipped = "src" in file.relative_to(ROOT).parts
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if is_shipped and isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _found(file, node.value, node.lineno)
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        docstring = ast.get_docstring(node, clean=False)
        if docstring is None:
            continue
        line = node.body[0].lineno
        if not isinstance(node, ast.Module | ast.ClassDef) and (begun := VERBS.match(docstring)):
            yield f"{file.relative_to(ROOT)}:{line}: a docstring begins with {begun[0]!r}; use a verb such as 'Return'"
        if not is_shipped:  # else it was among the strings
            yield from _found(file, docstring, line)


def _in_template(file: Path) -> Iterator[str]:
    """Yield what is wrong in a file of `handrail new`, which is not Python yet."""
    text = file.read_text("utf-8")
    yield from _found(file, text, 1)
    for match in re.finditer(rf'"""({VERBS.pattern})', text):
        line = 1 + text.count("\n", 0, match.start())
        yield f"{file.relative_to(ROOT)}:{line}: a docstring begins with {match[1]!r}; use a verb such as 'Return'"


def _found(file: Path, text: str, first: int) -> Iterator[str]:
    for pattern, better in WORDS.items():
        for match in re.finditer(pattern, text, re.IGNORECASE):
            line = first + text.count("\n", 0, match.start())
            yield f"{file.relative_to(ROOT)}:{line}: {match[0]!r}; better: {better!r}"


def _blank(match: re.Match[str]) -> str:
    """Keep the lines of what is left out, so that places stay right."""
    return "\n" * match[0].count("\n")


_READERS = {".py": _in_code, ".md": _in_text, ".tmpl": _in_template}

if __name__ == "__main__":
    found = list(problems())
    print("\n".join(found))
    sys.exit(1 if found else 0)
