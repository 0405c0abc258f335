"""Thresholds: curves over the scores of a run, and the one that keeps a budget."""

from __future__ import annotations

import json
import math
import random

import pytest
from handrail import ConfigurationError, LLMRails, RailsConfig, Registry
from handrail_eval._command import thresholds
from handrail_eval._curves import Scores, thinned, with_recall, within_false_stops
from handrail_eval._run import TIMES, VERDICTS
from handrail_eval._thresholds import Budget, described, patch_of, rounded
from hypothesis import given
from hypothesis import strategies as st

SCORES = st.lists(st.integers(0, 20).map(lambda n: n / 20), max_size=30)


def scores(violations, harmless):
    found = Scores()
    for label, values in ((True, violations), (False, harmless)):
        for value in values:
            found.add(value, label)
    return found


@given(SCORES, SCORES)
def test_a_point_says_what_a_threshold_would_stop(violations, harmless):
    for point in scores(violations, harmless).points():
        hits = sum(score >= point.threshold for score in violations)
        false = sum(score >= point.threshold for score in harmless)
        assert point.recall == (hits / len(violations) if violations else 0)
        assert point.false_stops == (false / len(harmless) if harmless else 0)
        assert point.precision == hits / (hits + false)


@given(SCORES, SCORES)
def test_the_area_is_how_often_a_violation_has_the_higher_score(violations, harmless):
    area = scores(violations, harmless).area()
    if not violations or not harmless:
        assert area is None
        return
    pairs = [(one > other) + (one == other) / 2 for one in violations for other in harmless]
    assert area == pytest.approx(sum(pairs) / len(pairs))


@given(SCORES, SCORES, st.sampled_from((0.0, 0.05, 0.2, 1.0)))
def test_no_other_threshold_within_the_budget_finds_more(violations, harmless, most):
    points = scores(violations, harmless).points()
    best = within_false_stops(points, most)
    fit = [point for point in points if point.false_stops <= most]
    assert (best is None) == (not fit)
    if best is not None:
        assert best.false_stops <= most
        assert best.recall == max(point.recall for point in fit)
    enough = with_recall(points, 0.5)
    if enough is not None:
        assert enough.false_stops == min(point.false_stops for point in points if point.recall >= 0.5)


def test_calibration_is_the_distance_of_scores_from_shares():
    found = scores([0.95] * 9 + [0.15], [0.95] + [0.15] * 9)
    assert [(one.rows, one.violations) for one in found.calibration()] == [(10, 0.1), (10, 0.9)]
    assert found.calibration_error() == pytest.approx(0.05)
    assert scores([1.0], [0.0]).average_precision() == 1.0


def test_a_curve_of_many_points_is_thinned_and_keeps_its_ends():
    dice = random.Random(3)
    points = scores([dice.random() for _ in range(900)], [dice.random() for _ in range(900)]).points()
    drawn = list(thinned(points))
    assert 50 < len(drawn) <= 200
    assert (drawn[0], drawn[-1]) == (points[0], points[-1])


@pytest.mark.parametrize(
    ("text", "of", "share"),
    [("fpr=0.01", "false_stops", 0.01), ("false_stops = 1%", "false_stops", 0.01), ("recall=.95", "recall", 0.95)],
)
def test_a_budget_is_read(text, of, share):
    assert Budget.parse(text) == Budget(of, share)


@pytest.mark.parametrize("text", ["", "fpr", "fpr=2", "fpr=-1", "leaks=0.1", "fpr=101%"])
def test_a_budget_that_is_none_is_refused(text):
    with pytest.raises(ConfigurationError, match="must be like fpr=0.01"):
        Budget.parse(text)


@given(st.floats(0, 1))
def test_a_rounded_threshold_stops_what_the_exact_one_stops(threshold):
    assert threshold - 2e-6 <= rounded(threshold) <= threshold


def test_a_rounded_threshold_stays_above_the_next_score():
    assert rounded(0.12345678, 0.12345612) == pytest.approx(0.1234567)
    assert rounded(0.3, math.nextafter(0.3, 0)) == 0.3


def test_scores_of_one_side_or_one_value_have_no_more_to_tell():
    constant = scores([0.5] * 3, [0.5] * 3)
    assert (constant.area(), [point.false_stops for point in constant.points()]) == (0.5, [1.0])
    assert described(constant, Budget("false_stops", 0.01))["recommended"] is None
    for one_sided in (scores([0.1, 0.9], []), scores([], [0.1, 0.9])):
        assert (one_sided.area(), described(one_sided, Budget("recall", 0.5))["recommended"]) == (None, None)


def test_one_setting_for_rails_of_one_name_is_not_written_for_either():
    best = {"recommended": {"threshold": 0.5}}
    assert patch_of({"judge $of=a": best, "judge $of=b": best}) == ""
    assert '"judge":' in patch_of({"judge $of=a": best})


@pytest.fixture
def run(evaluated, row, tmp_path):
    """A run of a rail that scores and stops nothing."""
    rows = [row("so bad bad bad " * 5, label=True) for _ in range(8)]
    rows += [row("all fine and good here " * 5, label=False) for _ in range(8)]
    rows += [row("bad but not so very much of it at all", label=False), row("fine enough", label=True)]
    found = evaluated("rails: {output: {flows: [scoring], streaming: {enabled: true}}}", rows)
    ordered = sorted(found, key=lambda record: record[0]["row"])
    for name, part in ((VERDICTS, 0), (TIMES, 1)):
        (tmp_path / name).write_text("".join(json.dumps(record[part]) + "\n" for record in ordered))
    return tmp_path


def test_a_threshold_is_recommended_and_written_as_yaml_that_a_configuration_takes(run, strangers, capsys):
    assert thresholds(run, patch=run / "thresholds.yml") == 0
    told = capsys.readouterr().out
    assert "## scoring" in told
    assert "9 violations and 9 harmless rows have scores" in told
    assert "recall 88.9%, false stops 0.00%" in told
    page = (run / "thresholds.html").read_text()
    assert page.count("<svg") == 3
    text = (run / "thresholds.yml").read_text()
    config = RailsConfig.from_content(
        yaml_content="rails: {output: {flows: [scoring], streaming: {enabled: true}}}"
    ) + RailsConfig.from_content(yaml_content=text)
    (plan,) = LLMRails(config, registry=Registry.discover().with_plugins(strangers)).composition.output_rails
    assert plan.threshold == pytest.approx(0.75)


def test_figures_are_written_as_json(run, capsys):
    assert thresholds(run, budget="recall=1", json=True) == 0
    found = json.loads(capsys.readouterr().out)["scoring"]
    assert found["recommended"]["recall"] == 1.0
    assert found["area_under_roc"] == pytest.approx((8 * 9 + 8 / 2) / 81)
    assert thresholds(run, budget="fpr=0") == 0


def test_no_threshold_within_the_budget_is_told(capsys):
    found = {"x": {"recommended": None}}
    assert patch_of(found) == ""


def test_a_run_without_scores_is_refused(evaluated, row, tmp_path):
    for name, part in ((VERDICTS, 0), (TIMES, 1)):
        (record,) = evaluated("rails: {output: {flows: [judge], streaming: {enabled: true}}}", [row("x", label=True)])
        (tmp_path / name).write_text(json.dumps(record[part]) + "\n")
    with pytest.raises(ConfigurationError, match="has no labelled row with a score"):
        thresholds(tmp_path)
