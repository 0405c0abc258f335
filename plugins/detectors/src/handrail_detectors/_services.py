"""Classifiers behind a service: what each is sent, and how each answer is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from secrets import token_hex
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

from handrail.errors import RailError

from handrail_detectors._findings import Answer, Finding, Findings

if TYPE_CHECKING:
    from handrail_detectors._connections import Connections
    from handrail_detectors._settings import ClassifierSettings

Read: TypeAlias = Callable[[Any, Sequence[str]], Sequence[Findings]]


@dataclass(frozen=True, slots=True)
class Format:
    """How a service is asked.

    Attributes:
        path: of the operation.
        body: makes the request of texts.
        read: makes findings of the answer, for each text; whatever it raises means that the answer has another form.
        headers: what the request needs beside.
        may_find_nothing: True if an answer without findings means that there are none.
        exclusive: whether the scores of a text add up to 1; None if only the answers show that.
    """

    path: str
    body: Callable[[Sequence[str]], Mapping[str, Any]]
    read: Read
    headers: Mapping[str, str] = field(default_factory=dict)
    may_find_nothing: bool = False
    exclusive: bool | None = None


class ServiceEngine:
    """Judges by asking a service.

    Attributes:
        labels: what it may answer, if the configuration says so.
        exclusive: whether the scores of a text add up to 1; None if only the answers show that.
    """

    def __init__(self, rail: str, connections: Connections, form: Format, names: Sequence[str]) -> None:
        self._rail = rail
        self._connections = connections
        self._form = form
        self.exclusive: bool | None = form.exclusive
        self.labels: frozenset[str] | None = frozenset(names) if names else None

    async def classify(self, texts: Sequence[str]) -> Sequence[Answer | Exception]:
        """Judge texts.

        Raises:
            RailError: the service cannot be reached, fails, or answers in another form.
            TextRefusedError: it takes one of the texts for wrong.
        """
        form = self._form
        answer = await self._connections.post(form.path, form.body(texts), form.headers)
        try:
            found = form.read(answer, texts)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as exc:
            raise self._wrong(f"in another form ({type(exc).__name__})") from None
        if len(found) != len(texts):
            raise self._wrong(f"on {len(found)} texts where {len(texts)} were asked about")
        if not form.may_find_nothing and not all(found):
            raise self._wrong("without a score")
        return [(findings,) for findings in found]

    def _wrong(self, how: str) -> RailError:
        return RailError(f"rail {self._rail!r}: the service answered {how}", rail=self._rail)


def format_of(settings: ClassifierSettings) -> Format:
    """Return how the service of an engine is asked."""
    model, names = settings.model or "", settings.names
    if settings.engine == "vllm" and settings.operation == "pooling":
        kind = "token_classify" if settings.task == "tokens" else "classify"
        return Format(
            "/pooling", lambda texts: {"model": model, "input": list(texts), "task": kind}, _pooling_reader(names)
        )
    if settings.engine == "vllm":
        return Format("/classify", lambda texts: {"model": model, "input": list(texts)}, _classify_reader(names))
    if settings.engine == "tei":
        return Format("/predict", _tei_body, _read_tei)
    if settings.engine == "kserve":
        path = f"/v2/models/{quote(model, safe='')}/infer"
        return Format(path, _kserve_body(settings.input_name), _kserve_reader(names, settings.output_name))
    if settings.engine == "fms":
        contents = "/api/v1/text/contents"
        return Format(
            contents,
            lambda texts: {"contents": list(texts), "detector_params": {}},
            _read_fms,
            headers={"detector-id": model},
            may_find_nothing=True,
            exclusive=False,
        )
    return Format("/moderations", _moderation_body(settings.model), _read_moderations, exclusive=False)


def _named(names: Sequence[str], scores: Sequence[float]) -> Findings:
    """Return scores with their labels.

    Raises:
        ValueError: there are more of one than of the other.
    """
    return tuple(Finding(name, score) for name, score in zip(names, scores, strict=True))


def _in_order(items: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Return items in the order of their indexes.

    Raises:
        ValueError: an index is missing, or comes twice.
    """
    ordered = sorted(items, key=lambda item: item["index"])
    if [item["index"] for item in ordered] != list(range(len(ordered))):
        raise ValueError("an index is missing")
    return ordered


def _classify_reader(names: Sequence[str]) -> Read:
    def read(answer: Any, texts: Sequence[str]) -> Sequence[Findings]:  # noqa: ARG001  # the interface
        return [_named(names, item["probs"]) for item in _in_order(answer["data"])]

    return read


def _pooling_reader(names: Sequence[str]) -> Read:
    """Return what reads scores of a text, or of each of its tokens: the highest of each label counts."""

    def read(answer: Any, texts: Sequence[str]) -> Sequence[Findings]:  # noqa: ARG001  # the interface
        return [highest(item["data"]) for item in _in_order(answer["data"])]

    def highest(scores: Any) -> Findings:
        if not isinstance(scores[0], list):
            return _named(names, scores)
        rows = [_named(names, row) for row in scores]
        worst = [max((row[n] for row in rows), key=lambda finding: finding.score) for n in range(len(names))]
        return tuple(Finding(finding.label, finding.score, None) for finding in worst)

    return read


def _tei_body(texts: Sequence[str]) -> Mapping[str, Any]:
    return {"inputs": [[text] for text in texts], "truncate": False, "raw_scores": False}


def _read_tei(answer: Any, texts: Sequence[str]) -> Sequence[Findings]:
    rows = answer if isinstance(answer[0], list) else [answer]
    if len(rows) != len(texts):
        raise ValueError("another number of answers")
    return [tuple(Finding(str(item["label"]), item["score"]) for item in row) for row in rows]


def _kserve_body(name: str) -> Callable[[Sequence[str]], Mapping[str, Any]]:
    def body(texts: Sequence[str]) -> Mapping[str, Any]:
        told = {"name": name, "shape": [len(texts)], "datatype": "BYTES", "data": list(texts)}
        return {"id": token_hex(8), "inputs": [told]}  # models of KServe's own server cannot answer without an id

    return body


def _kserve_reader(names: Sequence[str], output: str | None) -> Read:
    def read(answer: Any, texts: Sequence[str]) -> Sequence[Findings]:
        found = [
            each
            for each in answer["outputs"]
            if (each["datatype"] in ("FP16", "FP32", "FP64") if output is None else each["name"] == output)
        ]
        (tensor,) = found
        scores = list(_flat(tensor["data"]))
        if tensor["shape"] != [len(texts), len(names)] or len(scores) != len(texts) * len(names):
            raise ValueError("another shape")
        return [_named(names, scores[n : n + len(names)]) for n in range(0, len(scores), len(names))]

    return read


def _flat(values: Sequence[Any]) -> Sequence[Any]:
    return [leaf for value in values for leaf in (_flat(value) if isinstance(value, list) else (value,))]


def _read_fms(answer: Any, texts: Sequence[str]) -> Sequence[Findings]:
    return [
        tuple(Finding(str(item["detection"]), item["score"], _within(item, text)) for item in row)
        for row, text in zip(answer, texts, strict=True)
    ]


def _within(item: Mapping[str, Any], text: str) -> tuple[int, int] | None:
    start, end = item.get("start"), item.get("end")
    sound = isinstance(start, int) and isinstance(end, int) and 0 <= start <= end <= len(text)
    return (start, end) if sound else None  # type: ignore[return-value]  # both are integers where it is sound


def _moderation_body(model: str | None) -> Callable[[Sequence[str]], Mapping[str, Any]]:
    def body(texts: Sequence[str]) -> Mapping[str, Any]:
        return {"model": model or "omni-moderation-latest", "input": list(texts)}

    return body


def _read_moderations(answer: Any, texts: Sequence[str]) -> Sequence[Findings]:  # noqa: ARG001  # the interface
    return [tuple(_moderated(result)) for result in answer["results"]]


def _moderated(result: Mapping[str, Any]) -> Sequence[Finding]:
    """Return the scores of a text; what the service itself flags counts as sure, whatever its own threshold is."""
    flagged = result["categories"]
    scores = {label: score for label, score in result["category_scores"].items() if score is not None}
    if result["flagged"] is True and not any(flagged.values()):
        raise ValueError("flagged without a category")
    sure = {label: max(scores.get(label, 1.0), 0.5) for label, is_flagged in flagged.items() if is_flagged is True}
    return [Finding(label, score) for label, score in (scores | sure).items()]
