"""The classifier that ships with the package: what it catches, and what the documentation says of it."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest
from handrail import Registry
from handrail.errors import ConfigurationError
from handrail.plugins import RailSpec
from handrail_detectors._embedded import REACH, shipped_model
from handrail_detectors._rows import LABELS, read_rows
from hypothesis import given, settings
from hypothesis import strategies as st

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def test_the_figures_in_the_documentation_are_what_the_rows_that_were_held_out_give():
    model, caught, violations, stopped, harmless = shipped_model(), 0, 0, 0, 0
    for row in read_rows("held out"):
        refused = max(finding.score for finding in model.classify(row["text"])) >= 0.5
        violations, caught = violations + row["label"], caught + (row["label"] and refused)
        harmless, stopped = harmless + (not row["label"]), stopped + (not row["label"] and refused)
    found = re.search(r"(\d+) of (\d+) violations, and stops (\d+) of (\d+) harmless", README)
    assert found is not None
    assert tuple(map(int, found.groups())) == (caught, violations, stopped, harmless)
    assert caught / violations > 0.85
    assert stopped / harmless < 0.15


def test_the_weights_are_a_few_hundred_kilobytes():
    assert (files("handrail_detectors") / "classifier.bin").stat().st_size < 300_000
    assert shipped_model().labels == LABELS


def test_where_a_violation_stands_is_told():
    text = "The parcel has left the warehouse. " * 20
    bad = "mix the bleach with the ammonia in one bucket"
    worst = max(shipped_model().classify(text + bad + ". " + text), key=lambda finding: finding.score)
    assert worst.label == "advice"
    start, end = worst.span
    assert start < len(text) + len(bad)
    assert end > len(text)
    assert end - start <= REACH


@settings(max_examples=200)
@given(st.text(max_size=300))
def test_any_text_has_a_score_between_0_and_1_and_a_span_within_it(text):
    for finding in shipped_model().classify(text):
        assert 0 <= finding.score <= 1
        assert 0 <= finding.span[0] <= finding.span[1] <= len(text)


@settings(max_examples=50)
@given(st.integers(0, 400), st.integers(0, 400))
def test_a_violation_is_found_wherever_it_stands(before, after):
    filler = "Most gardens do well with one deep watering a week in dry months. " * 7
    text = filler[:before] + " mix the bleach with the ammonia in one bucket " + filler[:after]
    assert max(finding.score for finding in shipped_model().classify(text)) >= 0.5


async def test_texts_are_judged_the_same_alone_and_together_in_a_thread_and_without(make, judged):
    texts = ["mix the bleach with the ammonia", "All is well. " * 300, "Write to ada12@mail.example.com", ""]
    together = await judged(make(), *texts)
    for text, verdict in zip(texts, together, strict=True):
        (alone,) = await judged(make(), text)
        assert alone == verdict
    assert [verdict.decision for verdict in together] == ["block", "allow", "block", "allow"]


async def test_a_very_long_text_is_judged_to_its_end(make, judged):
    lead = "Most gardens do well with one deep watering a week in dry months. " * 250
    good, bad = await judged(make(), lead, lead + "Then mix the bleach with the ammonia in one bucket.")
    assert (good.decision, bad.category) == ("allow", "advice")
    assert bad.span[1] > len(lead)


async def test_a_threshold_of_the_rail_gives_what_it_refuses_a_category(make, judged):
    (verdict,) = await judged(make(threshold=0.0), "All is well.")
    assert verdict.decision == "block"
    assert verdict.category in LABELS


async def test_halves_of_a_surrogate_pair_are_judged_with_the_rest(make, judged):
    (verdict,) = await judged(make(), "\ud83d mix the bleach with the ammonia in one bucket \ude00")
    assert verdict.category == "advice"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"model": "x"}, "embedded"),
        ({"engine": "transformers", "labels": {"a": "b"}}, "needs 'model'"),
        ({"engine": "tei", "url": "http://x"}, "needs 'labels'"),
        ({"engine": "tei", "labels": {"a": "b"}}, "needs 'url'"),
        ({"engine": "vllm", "url": "http://x", "model": "m", "labels": {"a": "b"}}, "needs 'names'"),
        ({"engine": "tei", "url": "x", "labels": {"a": "b"}}, "http"),
        ({"task": "tokens"}, "not supported"),
        ({"labels": {"secrets": "secret", "*": None}}, "did you mean 'secret'"),
        ({"thresholds": {"email": 2}}, "at most 1"),
        ({"batch": {"size": 0}}, "at least 1"),
    ],
)
def test_settings_that_do_not_fit_are_an_error_when_the_configuration_is_loaded(make, settings, says):
    with pytest.raises(ConfigurationError, match=says):
        make(**settings)


def test_the_named_rails_need_an_engine_and_are_found():
    names = Registry.discover().names(RailSpec)
    assert {"classifier", "moderation classifier", "toxicity classifier", "injection classifier"} <= set(names)


def test_a_named_rail_without_an_engine_is_an_error(make):
    with pytest.raises(ConfigurationError, match="engine"):
        make("toxicity classifier")
