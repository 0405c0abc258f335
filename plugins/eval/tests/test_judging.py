"""What comes of a row: what leaked, what was stopped, what failed, the same each time and on either loop."""

from __future__ import annotations

import random

import pytest
from handrail_eval._cache import Cache
from handrail_eval._figures import figures_of
from handrail_eval._meter import Meter

WORDS = ["the", "boat", "left", "the", "harbour", "at", "noon", "and", "came", "back", "with", "the", "evening", "tide"]


def prose(seed, words=60):
    chance = random.Random(seed)
    return " ".join(chance.choice(WORDS) for _ in range(words))


def violations(row, count=24):
    found = []
    for seed in range(count):
        before, after = prose(seed, 5 + 7 * (seed % 12)), prose(seed + 100, 10)
        text = f"{before} forbidden secret {after}"
        found.append(row(text, label=True, spans=((len(before) + 1, len(before) + 17),)))
    return found


def test_a_judge_with_a_held_overlap_leaks_nothing(evaluated, row, config):
    figures = figures_of(evaluated(config("judge"), violations(row)))
    assert figures["stream"]["recall"]["value"] == 1
    assert figures["leaks"]["leaked_characters"] == 0


def test_a_judge_that_ignores_the_overlap_leaks(evaluated, row, config):
    figures = figures_of(evaluated(config("judge", hold=0, context=0, chunk=5), violations(row)))
    whole = figures["whole"]["recall"]["value"]
    assert whole == 1
    assert figures["leaks"]["leaked_characters"] > 0
    assert figures["stream_against_whole"].get("only whole", 0) > 0


def test_what_stops_harmless_numbers_has_false_stops(evaluated, row, config):
    rows = [row(f"{prose(seed, 20)} {1000 + seed} {prose(seed)}", label=False) for seed in range(8)]
    wrong = figures_of(evaluated(config("number judge"), rows))
    right = figures_of(evaluated(config("judge"), rows))
    assert wrong["stream"]["false_stops"]["value"] == 1
    assert right["stream"]["false_stops"]["value"] == 0


def test_both_loops_and_repeated_runs_give_the_same_verdicts(evaluated, row, config):
    rows = [*violations(row), *(row(prose(seed), label=False) for seed in range(8))]
    rails = config("judge", "number judge")
    runs = [[verdict for verdict, _ in evaluated(rails, rows, backend=loop)] for loop in ("asyncio", "trio", "asyncio")]
    assert runs[0] == runs[1] == runs[2]


def test_rows_are_written_in_their_order_however_many_run_at_once(evaluated, row, config):
    rows = violations(row)
    many = [verdict for verdict, _ in evaluated(config("judge"), rows, concurrency=16)]
    assert many == [verdict for verdict, _ in evaluated(config("judge"), rows, concurrency=1)]


def test_a_rail_that_fails_is_no_refusal_and_its_text_is_not_told(evaluated, row, config):
    records = evaluated(config("broken"), [row(f"{prose(1, 30)} crash {prose(2)}", label=True)], texts=False)
    figures = figures_of(records)
    assert (figures["stream"]["failed"], figures["stream"]["hits"]) == (1, 0)
    assert "harbour" not in str(records)


def test_a_row_that_cannot_be_judged_is_a_row(evaluated, row, config):
    bad = row("fine", messages=({"role": "user", "content": 3},))
    (_, _), (verdict, _), (last, _) = evaluated(config("judge"), [row("one"), bad, row("two")])
    assert "error" in verdict
    assert last["stream"]["outcome"] == "finished"


def test_tool_calls_are_judged_beside_the_text(evaluated, row, config):
    called = row("Sent.", label=True, tool_calls=(("send", '{"note": "the forbidden secret"}'),))
    ((verdict, _),) = evaluated(config("judge"), [called])
    assert (verdict["stream"]["outcome"], verdict["stream"]["channel"]) == ("blocked", "tool_calls")
    assert verdict["whole"]["outcome"] == "blocked"
    assert "place" not in verdict["stream"]  # the characters that it blames are not those of the text


def test_a_latency_counts_and_waiting_for_tokens_does_not(evaluated, row, config):
    ((_, times),) = evaluated(config("judge"), [row(prose(3, 400))], pace=10.0)
    assert times["generated"] > 30
    assert times["ended"] < times["generated"] + 1


def test_only_a_piece_that_completes_a_window_is_waited_for(evaluated, row, config, monkeypatch):
    settled, settle = [], Meter.settle

    async def counted(meter):
        settled.append(meter.turn)
        await settle(meter)

    monkeypatch.setattr(Meter, "settle", counted)
    ((verdict, _),) = evaluated(config("judge"), [row(prose(3, 400))])
    turns = {check["turn"] for check in verdict["stream"]["checks"]}
    assert turns - {verdict["stream"]["turn"]} <= set(settled)
    assert len(settled) <= len(turns)


def test_known_answers_are_not_asked_for_again_and_keep_their_latency(evaluated, row, config, tmp_path):
    rows = violations(row, 4)
    file = tmp_path / "answers.jsonl"
    cache = Cache(file, "same")
    first = evaluated(config("judge"), rows, cache=cache)
    cache.close()
    with file.open("ab") as torn:
        torn.write(b'["half a li')
    cache = Cache(file, "same")
    again = evaluated(config("judge"), rows, cache=cache)
    cache.close()
    assert [verdict for verdict, _ in again] == [verdict for verdict, _ in first]
    assert all(times["cached"] == len(times["checks"]) > 0 for _, times in again)
    assert [times["ended"] for _, times in again] == [times["ended"] for _, times in first]


@pytest.mark.parametrize("basis", ["same", "other"])
def test_an_answer_is_known_only_on_the_same_basis(evaluated, row, config, tmp_path, basis):
    rows = violations(row, 1)
    cache = Cache(tmp_path / "answers.jsonl", "same")
    evaluated(config("judge"), rows, cache=cache)
    cache.close()
    cache = Cache(tmp_path / "answers.jsonl", basis)
    ((_, times),) = evaluated(config("judge"), rows, cache=cache)
    cache.close()
    assert (times["cached"] > 0) == (basis == "same")


REDACTS = """
rails:
  output: {flows: [personal data check], streaming: {enabled: true}}
  config: {personal data check: {action: redact}}
"""


def test_what_is_redacted_is_found_and_is_no_stop_that_came_late(evaluated, row):
    text = "write to ada@mail.example.com about the boat"
    figures = figures_of(evaluated(REDACTS, [row(text, label=True, spans=((9, 29),))]))
    assert (figures["stream"]["hits"], figures["leaks"]["leaked_characters"]) == (1, 0)
    assert figures["detection"]["tokens 10"]["of"] == 0


def with_options(rail, **options):
    given = ", ".join(f"{name}: {value}" for name, value in options.items())
    output = f"{{flows: [{rail}], streaming: {{enabled: true}}}}"
    return f"rails: {{output: {output}, config: {{{rail}: {{{given}}}}}}}"


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_waiting_for_another_row_is_no_time_of_the_judge(evaluated, row, config, backend):
    rows = [row(prose(seed), label=False) for seed in range(6)]
    records = evaluated(with_options("slow", timeout=15), rows, at_once=1, concurrency=6, backend=backend)
    assert figures_of(records)["stream"]["failed"] == 0
    assert all(end - start == pytest.approx(10) for _, times in records for start, end in times["checks"])


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize(
    ("options", "outcome"),
    [({}, "failed"), ({"on_timeout": "allow"}, "finished"), ({"on_error": "allow", "on_timeout": "block"}, "failed")],
)
def test_a_judge_that_takes_too_long_fails_as_its_configuration_says(evaluated, row, backend, options, outcome):
    ((verdict, times),) = evaluated(with_options("slow", timeout=5, **options), [row(prose(1))], backend=backend)
    assert verdict["stream"]["outcome"] == outcome
    assert verdict["stream"].get("timed_out", False) == (outcome == "failed")
    assert times["checks"][0][1] - times["checks"][0][0] == pytest.approx(5)


def test_rails_of_one_name_with_other_arguments_are_kept_apart(evaluated, row, tmp_path):
    both = '["word judge $word=boat", "word judge $word=noon"]'
    config = f"rails: {{output: {{flows: {both}, parallel: true, streaming: {{enabled: true}}}}}}"
    cache = Cache(tmp_path / "answers.jsonl", "same")
    verdicts = [verdict for verdict, _ in evaluated(config, [row("at noon"), row("the boat")], cache=cache)]
    again = [verdict["stream"] for verdict, _ in evaluated(config, [row("at noon"), row("the boat")], cache=cache)]
    cache.close()
    assert [verdict["stream"]["rail"] for verdict in verdicts] == ["word judge $word=noon", "word judge $word=boat"]
    assert again == [verdict["stream"] for verdict in verdicts]


def test_a_session_of_a_stream_is_waited_for_and_measured(evaluated, row):
    config = "rails: {output: {flows: [counting], streaming: {enabled: true}}}"
    ((verdict, times),) = evaluated(config, [row(prose(1))])
    assert verdict["stream"]["checks"]
    assert all(end - start == pytest.approx(0.2) for start, end in times["checks"])


def test_nothing_is_told_to_the_observers_of_a_configuration(evaluated, row, config, tmp_path):
    audited = f"{config('judge')}\nobservers: {{audit: {{folder: {tmp_path}/audit}}}}\n"
    figures = figures_of(evaluated(audited, violations(row, 2)))
    assert figures["stream"]["hits"] == 2
    assert not (tmp_path / "audit").exists()


MISSED = ("missed_rows", "missed_violations", "only_first_rows")
CASCADE = """
rails:
  output: {flows: [scoring, judge], parallel: true, streaming: {enabled: true}}
  config: {judge: {when: {rail: scoring, score: 0.05..0.5}}}
"""


def test_a_cascade_shows_what_it_saves_and_with_all_asked_what_it_misses(evaluated, row):
    rows = [
        row("all fine and good here", label=False),
        row("bad forbidden secret of the three of us", label=True),
        row("a forbidden secret that nothing hints at", label=True),
        row("bad bad bad bad", label=False),
    ]
    (saves,) = figures_of(evaluated(CASCADE, rows))["cascades"]["rails"].items()
    assert saves == ("judge", dict.fromkeys(MISSED) | {"checks": 4, "spared": 3, "spared_share": 0.75})
    records = evaluated(CASCADE, rows, ask_all=True)
    found = figures_of(records)["cascades"]
    assert [verdict["stream"]["outcome"] for verdict, _ in records] == ["finished", "blocked", "finished", "blocked"]
    assert found["missed_rows"] == 1
    assert found["rails"]["judge"] == {
        "checks": 4,
        "spared": 3,
        "spared_share": 0.75,
        "missed_rows": 1,
        "missed_violations": 1,
        "only_first_rows": 1,
    }
    assert [times["ended"] for _, times in records] == [times["ended"] for _, times in evaluated(CASCADE, rows)]
