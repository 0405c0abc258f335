"""What is known of a check: one record, with the rail's arguments, its score, and how it failed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from fractions import Fraction

import pytest
from fakes import FakeProvider, FunctionRail, Guarded, SessionRail
from handrail import (
    Blocked,
    ConfigurationError,
    Decision,
    Edit,
    LLMRails,
    RailFailed,
    RailId,
    RailsConfig,
    Registry,
    Ruling,
    Verdict,
)
from handrail.plugins import RailSpec, hookimpl


def rails_with(answers: object, *flows: str, direction: str = "output", **options: object) -> LLMRails:
    class Rail:
        def __init__(self, settings: object, context: object) -> None:
            pass

        async def check(self, window: object, turn: object) -> object:
            return answers() if callable(answers) else answers

    class Plugin:
        @hookimpl
        def handrail_rails(self) -> list[RailSpec]:
            return [RailSpec(name="judge", target=Rail)]

    config = {
        "models": [{"type": "main", "engine": "scripted", "parameters": {"answers": ["some harmful words"]}}],
        "rails": {direction: {"flows": list(flows) or ["judge"]}, "config": {"judge": options} if options else {}},
    }
    registry = Registry.discover().with_plugins(Plugin())
    return LLMRails(RailsConfig.from_content(config=config), registry=registry)


async def answered(rails: LLMRails) -> object:
    async with rails.stream(prompt="hello") as stream:
        async for _ in stream:
            pass
    return stream.response


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_a_score_and_a_detail_are_in_the_record_and_only_the_score_is_in_the_event() -> None:
    secret = {"found": "quandary"}
    rails = rails_with(Verdict.block("bad", score=0.9, detail=secret))
    response = await rails.generate_async(prompt="hello", options={"log": {"activated_rails": True}})
    record, stop = response.rail_runs[0], response.stop
    assert isinstance(stop, Blocked)
    assert (record.score, record.detail, stop.score) == (0.9, secret, 0.9)
    assert "quandary" not in repr(record)
    assert "quandary" not in repr(stop)
    assert "quandary" not in repr(response.log)


@pytest.mark.anyio
async def test_a_record_names_channel_plugin_and_rail() -> None:
    response = await rails_with(Verdict.allow(score=0.2)).generate_async(prompt="hello", options={"log": {}})
    record = response.rail_runs[0]
    assert (record.channel, record.rail_id, record.score) == ("text", RailId("judge"), 0.2)
    assert record.plugin


@pytest.mark.anyio
@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan"), True, "much", 10**400, 10**5000], ids=type)
async def test_a_score_that_is_no_number_from_0_to_1_is_a_failure(score: object) -> None:
    rails = rails_with(Verdict("allow", score=score))  # type: ignore[arg-type]  # what a careless rail returns
    response = await rails.generate_async(prompt="hello", options={"log": {}})
    assert isinstance(response.stop, RailFailed)
    assert response.stop.kind == "contract"


NONSENSE: list[tuple[dict[str, object], str]] = [
    ({"score": 1.5}, "a score that is no number from 0 to 1"),
    ({"score": 10**400}, "a score that is no number from 0 to 1"),
    ({"score": float("nan"), "span": (5, 900)}, "a span outside its window, characters 0 to 18 and a score that"),
    ({"span": (0.0, 3.0)}, "a span that is no pair of whole numbers"),
    ({"span": (False, True)}, "a span that is no pair of whole numbers"),
    ({"span": (3,)}, "a span that is no pair of whole numbers"),
    ({"span": "ab"}, "a span that is no pair of whole numbers"),
    ({"detail": "secret"}, "a detail that is no mapping"),
    ({"category": object()}, "a category that is no text"),
    ({"reason": b"bad", "message": 7}, "a reason that is no text and a message that is no text"),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("wrong", "said"), NONSENSE)
@pytest.mark.parametrize("settings", [{}, {"on_error": "allow"}, {"threshold": 0.9}])
async def test_a_block_with_a_value_that_makes_no_sense_is_a_block(
    wrong: dict[str, object], said: str, settings: dict[str, object]
) -> None:
    rails = rails_with(Verdict("block", **wrong), **settings)  # type: ignore[arg-type]  # what a careless rail returns
    response = await rails.generate_async(prompt="hello", options={"log": {}})
    stop, record = response.stop, response.rail_runs[0]
    assert isinstance(stop, Blocked)
    assert said in record.reason
    assert (record.score, record.detail, record.category, stop.category) == (None, None, None, None)
    assert isinstance(response.text, str)


@pytest.mark.anyio
@pytest.mark.parametrize("verdict", [Verdict("allow"), Verdict("rewrite", edits=(Edit(0, 4, "many"),))], ids=repr)
@pytest.mark.parametrize(
    ("name", "odd"),
    [*(("span", odd) for odd in (True, b"x", [], {}, (), (1.5, 2.5), "ab")), ("category", []), ("reason", b"bad")],
)
async def test_what_no_verdict_has_is_left_out_of_one_that_blocks_nothing(
    verdict: Verdict, name: str, odd: object
) -> None:
    rails = rails_with(replace(verdict, **{name: odd}))  # type: ignore[arg-type]  # what a careless rail returns
    response = await rails.generate_async(prompt="hello", options={"log": {}})
    assert (response.stop, response.text) == (None, f"{'many' if verdict.edits else 'some'} harmful words")
    assert getattr(response.rail_runs[0], name) == getattr(Verdict("allow"), name)


@pytest.mark.anyio
@pytest.mark.parametrize("decision", ["allow", "rewrite"])
@pytest.mark.parametrize("odd", [None, True, "edits", {}, [Verdict("allow")], [Edit(0, 900, "")]], ids=repr)
async def test_edits_that_are_none_are_a_failure(decision: Decision, odd: object) -> None:
    rails = rails_with(Verdict(decision, edits=odd))  # type: ignore[arg-type]  # what a careless rail returns
    response = await rails.generate_async(prompt="hello", options={"log": {}})
    assert isinstance(response.stop, RailFailed)
    assert response.stop.kind == "contract"


@pytest.mark.anyio
async def test_whoever_allows_a_text_with_edits_rewrites_it() -> None:
    rails = rails_with(Verdict("allow", edits=(Edit(0, 4, "many"),)))
    response = await rails.generate_async(prompt="hello", options={"log": {}})
    assert (response.text, response.rail_runs[0].decision) == ("many harmful words", "rewrite")


class Whole:
    """A whole number of another library, as numpy's `int64` is one."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


@pytest.mark.anyio
@pytest.mark.parametrize("make", [Verdict.allow, Verdict.block])
async def test_a_score_of_another_library_is_a_score(make: Callable[..., Verdict]) -> None:
    response = await rails_with(make(score=Fraction(1, 4))).generate_async(prompt="hello", options={"log": {}})
    score = response.rail_runs[0].score
    assert (type(score), score) == (float, 0.25)
    assert not isinstance(response.stop, RailFailed)


@pytest.mark.anyio
async def test_a_span_of_another_library_is_a_span() -> None:
    rails = rails_with(Verdict.block(span=(Whole(2), Whole(4))))  # type: ignore[arg-type]  # as numpy's are
    response = await rails.generate_async(prompt="hello", options={"log": {}})
    assert json.dumps(response.rail_runs[0].span) == "[2, 4]"


@pytest.mark.anyio
@pytest.mark.parametrize("offsets", [(0.0, 2.0), (False, True), ("0", "2"), (None, 2)])
async def test_an_edit_between_no_whole_numbers_is_a_failure_of_its_rail(offsets: tuple[object, object]) -> None:
    rails = rails_with(Verdict.rewrite([Edit(*offsets, "x")]))  # type: ignore[arg-type]  # what a careless rail returns
    response = await rails.generate_async(prompt="hello", options={"log": {}})
    assert isinstance(response.stop, RailFailed)
    assert response.stop.kind == "contract"


REFUSAL = Verdict.block("bad", category="words", span=(0, 4), message="No.", score=0.9, detail={"found": 1})


@pytest.mark.anyio
@pytest.mark.parametrize("rail", [FunctionRail(lambda window: REFUSAL), SessionRail(lambda text: Ruling("", REFUSAL))])
async def test_whatever_a_verdict_says_and_a_record_has_room_for_is_in_the_record(rail: object) -> None:
    guarded = Guarded(FakeProvider(["some harmful words"]), {"r": rail})
    response = await guarded.rails.generate_async(prompt="hello", options={"log": {}})
    (record,) = response.rail_runs
    shared = {field.name for field in fields(Verdict)} & {field.name for field in fields(record)}
    assert {"decision", "reason", "category", "span", "score", "detail"} <= shared
    assert {name: getattr(record, name) for name in shared} == {name: getattr(REFUSAL, name) for name in shared}


class Labelled(Verdict):
    """What a careless rail returns: a verdict of its own kind."""


@pytest.mark.anyio
@pytest.mark.parametrize("verdict", [Labelled("block", "bad"), Ruling("", block=Labelled("block", "bad"))])
async def test_a_block_of_its_own_kind_is_a_block(verdict: object) -> None:
    guarded = Guarded(
        FakeProvider(["some harmful words"]),
        {
            "r": SessionRail(lambda text: verdict)
            if isinstance(verdict, Ruling)
            else FunctionRail(lambda window: verdict)
        },
        options={"r": {"on_error": "allow"}},
    )
    response = await guarded.rails.generate_async(prompt="hello", options={"log": {}})
    assert isinstance(response.stop, Blocked)
    assert response.text == ""


@pytest.mark.anyio
async def test_a_rail_that_raises_is_told_from_one_that_returns_nonsense() -> None:
    def broken() -> Verdict:
        raise ConnectionError("no route")

    response = await rails_with(broken).generate_async(prompt="hello", options={"log": {}})
    assert isinstance(response.stop, RailFailed)
    assert (response.stop.kind, response.rail_runs[0].failure) == ("raised", "raised")
    assert response.stop.plugin


@pytest.mark.anyio
async def test_one_rail_with_other_arguments_is_two_in_the_log() -> None:
    rails = rails_with(Verdict.allow(), "judge $model=a", "judge $model=b")
    response = await rails.generate_async(prompt="hello", options={"log": {"activated_rails": True}})
    names = [rail.name for rail in response.log.activated_rails if rail.type == "output"]
    assert names == ["judge $model=a", "judge $model=b"]
    assert [record.rail_id.arguments for record in response.rail_runs] == [{"model": "a"}, {"model": "b"}]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        (Verdict.allow(score=0.8), "blocked"),
        (Verdict.allow(score=0.79), "finished"),
        (Verdict.block(score=0.79), "finished"),
        (Verdict.block(score=0.8), "blocked"),
        (Verdict.allow(), "finished"),
        (Verdict.block(), "blocked"),
    ],
)
async def test_a_threshold_decides_where_there_is_a_score_and_the_verdict_elsewhere(
    verdict: Verdict, outcome: str
) -> None:
    response = await rails_with(verdict, threshold=0.8).generate_async(prompt="hello", options={"log": {}})
    assert response.outcome == outcome


@pytest.mark.parametrize("threshold", [-0.1, 1.1, "0.5", True])
def test_a_threshold_is_a_number_from_0_to_1(threshold: object) -> None:
    with pytest.raises(ConfigurationError, match="threshold"):
        rails_with(Verdict.allow(), threshold=threshold)
