"""What the scores of a model amount to."""

from __future__ import annotations

import math

import pytest
from handrail import Window
from handrail.errors import InvalidRailsConfigurationError, RailError
from handrail_detectors import Finding
from handrail_detectors._labels import Labels
from hypothesis import given
from hypothesis import strategies as st

WINDOW = Window("x" * 40, 100, 100, 140, 140)
TOXIC = {"toxic": "toxicity", "insult": "toxicity", "threat": "violence", "neutral": None}


def labels(categories=TOXIC, thresholds=None, **options):
    return Labels("classifier", categories, thresholds or {}, **options)


def said(*scores, **more):
    return (tuple(Finding(label, score) for label, score in dict(*scores, **more).items()),)


def test_a_score_below_every_threshold_passes_and_is_told():
    verdict = labels().verdict(said(toxic=0.3, insult=0.1, threat=0.4, neutral=0.9), WINDOW)
    assert (verdict.decision, verdict.score) == ("allow", 0.4)
    assert verdict.detail == {"scores": {"toxicity": 0.3, "violence": 0.4}}


def test_a_score_that_reaches_a_threshold_is_refused_with_its_category():
    verdict = labels().verdict(said(toxic=0.1, insult=0.5, threat=0.2, neutral=0.4), WINDOW)
    assert (verdict.decision, verdict.category, verdict.score) == ("block", "toxicity", 0.5)


def test_categories_have_thresholds_of_their_own_and_the_one_that_is_exceeded_most_is_told():
    strict = labels(thresholds={"violence": 0.1, "toxicity": 0.8})
    assert strict.verdict(said(toxic=0.7, threat=0.05), WINDOW).decision == "allow"
    verdict = strict.verdict(said(toxic=0.81, threat=0.6), WINDOW)
    assert (verdict.category, verdict.score) == ("violence", 0.6)


def test_one_threshold_for_the_rail_goes_before_those_of_categories():
    assert labels(thresholds={"toxicity": 0.1}, threshold=0.9).verdict(said(toxic=0.8), WINDOW).decision == "allow"


def test_a_harmless_label_never_counts_however_sure_the_model_is():
    assert labels().verdict(said(neutral=1.0), WINDOW).score == 0.0


def test_where_labels_exclude_one_another_what_is_surely_one_of_several_violations_is_refused():
    kinds = {**{f"S{n}": f"kind {n}" for n in range(1, 5)}, "safe": None}
    scores = said(S1=0.3, S2=0.25, S3=0.2, S4=0.15, safe=0.1)
    assert labels(kinds, exclusive=False).verdict(scores, WINDOW).decision == "allow"
    for exclusive in (True, None):
        verdict = labels(kinds, exclusive=exclusive).verdict(scores, WINDOW)
        assert (verdict.decision, verdict.category) == ("block", "kind 1")
        assert verdict.score == pytest.approx(0.9)


def test_a_text_in_pieces_is_as_bad_as_its_worst_piece():
    answer = (said(toxic=0.1, neutral=0.9)[0], said(toxic=0.8, neutral=0.2)[0], said(toxic=0.3, neutral=0.7)[0])
    assert labels().verdict(answer, WINDOW).score == 0.8


def test_a_span_of_the_text_becomes_one_of_the_whole_text():
    verdict = labels().verdict(((Finding("toxic", 0.9, (5, 12)), Finding("toxic", 0.6, (20, 22))),), WINDOW)
    assert verdict.span == (105, 112)


@pytest.mark.parametrize("score", [math.nan, -0.5, 1.5, math.inf, "0.4", None, True])
def test_a_score_that_makes_no_sense_is_a_failure(score):
    for label in ("toxic", "neutral"):
        with pytest.raises(RailError, match="score"):
            labels().verdict(said({label: score}), WINDOW)


def test_a_label_that_nobody_expects_is_a_failure_and_is_not_shown():
    with pytest.raises(RailError, match="missing in 'labels'") as caught:
        labels().verdict(said({"what the user wrote": 0.1}), WINDOW)
    assert "user" not in str(caught.value)


def test_a_star_stands_for_all_other_labels():
    assert labels({"toxic": "toxicity", "*": None}).verdict(said(joy=1.0), WINDOW).decision == "allow"
    assert labels({"safe": None, "*": "unsafe"}).verdict(said(S9=1.0), WINDOW).category == "unsafe"


@pytest.mark.parametrize(
    ("categories", "thresholds", "says"),
    [
        ({"toxik": "toxicity", "*": None}, {}, "unknown label 'toxik'; did you mean 'toxic'"),
        ({"toxic": "toxicity"}, {}, "'insult', 'neutral', 'threat' are missing"),
        ({"*": None}, {}, "every label in 'labels' is harmless"),
        (TOXIC, {"toxicty": 0.5}, "unknown category 'toxicty' in 'thresholds'; did you mean 'toxicity'"),
        ({}, {"rudeness": 0.5}, "unknown category 'rudeness'"),
    ],
)
def test_labels_that_do_not_fit_the_model_are_an_error_when_the_configuration_is_loaded(categories, thresholds, says):
    with pytest.raises(InvalidRailsConfigurationError, match=says):
        labels(categories, thresholds, known=frozenset(TOXIC))


@given(
    st.dictionaries(st.sampled_from(sorted(TOXIC)), st.floats(0, 1), min_size=1),
    st.floats(0, 1),
)
def test_a_text_is_refused_exactly_where_a_violation_reaches_the_threshold(scores, threshold):
    verdict = labels(threshold=threshold, exclusive=False).verdict(said(scores), WINDOW)
    worst = max((score for label, score in scores.items() if TOXIC[label]), default=None)
    assert verdict.decision == ("block" if worst is not None and worst >= threshold else "allow")
