"""Runs in Presidio's own virtual environment: analyses the job's texts with its patterns, on a blank spaCy pipeline."""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import spacy
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import SpacyNlpEngine


class Blank(SpacyNlpEngine):
    """A pipeline that knows no names, as no model can be had offline."""

    def __init__(self) -> None:
        super().__init__()
        self.nlp = {"en": spacy.blank("en")}

    def load(self) -> None:
        """Keep what is there."""


def analyzer() -> AnalyzerEngine:
    """Return an analyzer with the recognizers that are on by default."""
    registry = RecognizerRegistry()
    engine = Blank()
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=engine)
    return AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])


def cleaned(engine: AnalyzerEngine, text: str) -> str:
    """Return the text with what was found replaced; URLs are left, which are nobody's."""
    spans = [
        (one.start, one.end)
        for one in engine.analyze(text, language="en")
        if one.entity_type not in ("URL", "DATE_TIME") and one.score >= 0.35
    ]
    for start, end in sorted(spans, reverse=True):
        text = f"{text[:start]}[X]{text[end:]}" if end <= len(text) else text
    return text


def main(job: Path, out: Path) -> None:
    """Analyse everything. Presidio has no streams: a text is looked at when all of it has come."""
    engine = analyzer()
    results: dict[str, Any] = {}
    for split, texts in json.loads(job.read_text("utf-8")).items():
        started = time.process_time()
        outputs = [cleaned(engine, "".join(pieces)) for pieces in texts]
        microseconds = (time.process_time() - started) / sum(map(len, texts)) * 1e6
        results[split] = {"outputs": outputs, "early": 0, "microseconds": microseconds}
    name = f"Presidio {version('presidio-analyzer')}"
    out.write_text(json.dumps({"system": name, "results": results}), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
