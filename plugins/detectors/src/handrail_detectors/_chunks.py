"""Texts as tokens, in overlapping chunks of what a model takes; and what a model says of them, as findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from handrail.errors import ConfigurationError

from handrail_detectors._findings import Answer, Finding, Findings, Span

_OVERLAP = 4  # a quarter
_AT_ONCE = 128
_MARKS = ("B-", "I-", "E-", "S-", "L-", "U-")


@dataclass(frozen=True, slots=True)
class Batch:
    """Chunks of several texts.

    Attributes:
        inputs: what the model is given, by name.
        owners: to which text each chunk belongs.
        offsets: where in its text each token stands; an empty span for one that stands for nothing.
        count: how many texts there are.
    """

    inputs: dict[str, list[list[int]]]
    owners: list[int]
    offsets: list[list[Span]]
    count: int


def slices(count: int) -> Iterator[slice]:
    """Yield which chunks go through a model at once, for a very long text has more than memory has room for."""
    return (slice(start, start + _AT_ONCE) for start in range(0, count, _AT_ONCE))


class Chunks:
    """Cuts texts with a tokenizer of transformers.

    Raises:
        ConfigurationError: the tokenizer does not say where its tokens stand.
    """

    def __init__(self, tokenizer: Any, most: int, rail: str) -> None:
        if not tokenizer.is_fast:
            raise ConfigurationError(
                f"rail {rail!r}: the classifier's tokenizer cannot tell where its tokens stand; "
                f"it needs a tokenizer.json"
            )
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
        self._tokenizer = tokenizer
        room = most - tokenizer.num_special_tokens_to_add()
        self._most, self._overlap = most, max(room // _OVERLAP, 0)

    def of(self, texts: Sequence[str]) -> Batch:
        """Return the chunks of some texts."""
        found = self._tokenizer(
            list(texts),
            truncation=True,
            max_length=self._most,
            stride=self._overlap,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            padding=True,
        )
        owners = list(found["overflow_to_sample_mapping"])
        offsets = [[(start, end) for start, end in row] for row in found["offset_mapping"]]
        inputs = {
            name: [list(row) for row in found[name]] for name in self._tokenizer.model_input_names if name in found
        }
        return Batch(inputs, owners, offsets, len(texts))


def findings_of_texts(
    batch: Batch, scores: Sequence[Sequence[float]], names: Sequence[str]
) -> list[Answer | Exception]:
    """Return what a model says that judges each chunk as a whole; where a text has several, with their places."""
    answers: list[list[Findings]] = [[] for _ in range(batch.count)]
    for owner, offsets, row in zip(batch.owners, batch.offsets, scores, strict=True):
        span = _covered(offsets) if batch.owners.count(owner) > 1 else None
        answers[owner].append(tuple(Finding(name, score, span) for name, score in zip(names, row, strict=True)))
    return [tuple(each) for each in answers]


def bare(name: str) -> str:
    """Return the label of a token without the mark that says whether one begins or goes on."""
    return name[2:] if name[:2] in _MARKS else name


def findings_of_tokens(
    batch: Batch,
    scores: Sequence[Sequence[Sequence[float]]],
    names: Sequence[str],
    is_harmful: Callable[[str], bool],
) -> list[Answer | Exception]:
    """Return what a model says that judges each token: tokens of one label that follow one another are one finding.

    A token counts with all the labels that say the same of it, such as that a name begins and that one goes on; and the
    likeliest violation counts with all others, for a token that is surely one of several is one.
    """
    labels = [bare(name) for name in names]
    harmful = frozenset(filter(is_harmful, labels))
    distinct = list(dict.fromkeys(labels))
    answers: list[list[Findings]] = [[] for _ in range(batch.count)]
    for owner, offsets, rows in zip(batch.owners, batch.offsets, scores, strict=True):
        real = [(span, row) for span, row in zip(offsets, rows, strict=True) if span[0] < span[1]]
        tokens = [(span, _sums(row, labels, harmful)) for span, row in real]
        answers[owner].append(tuple(finding for label in distinct for finding in _runs(label, tokens)))
    return [tuple(each) for each in answers]


def _sums(row: Sequence[float], labels: Sequence[str], harmful: frozenset[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for label, score in zip(labels, row, strict=True):
        found[label] = min(found.get(label, 0.0) + score, 1.0)
    if harmful:
        worst = max(harmful, key=lambda label: (found[label], label))
        found[worst] = min(sum(found[label] for label in harmful), 1.0)
    return found


def _runs(label: str, tokens: Sequence[tuple[Span, dict[str, float]]]) -> list[Finding]:
    """Return the runs of tokens for which a label is likelier than any other, else its likeliest token."""
    runs: list[Finding] = []
    open_ = False
    for (start, end), found in tokens:
        score = found[label]
        if score < max(found.values()):
            open_ = False
        elif open_:
            last = runs[-1]
            runs[-1] = Finding(label, max(last.score, score), ((last.span or (start, end))[0], end))
        else:
            runs.append(Finding(label, score, (start, end)))
            open_ = True
    if runs or not tokens:
        return runs
    span, found = max(tokens, key=lambda token: token[1][label])
    return [Finding(label, found[label], span)]


def _covered(offsets: Sequence[Span]) -> Span | None:
    real = [span for span in offsets if span[0] < span[1]]
    return (real[0][0], real[-1][1]) if real else None
