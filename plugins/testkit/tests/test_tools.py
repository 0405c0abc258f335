"""The tools beside the suites: pieces of text, what is delivered, a rail that knows, a clock that does not wait."""

from __future__ import annotations

import time

import anyio
import pytest
from handrail import LLMRails, RailsConfig, Registry
from handrail_testkit import OracleRail, _standstill, pieces_of
from handrail_testkit._counting import bytes_kept, lines_run

TEXT = "The tides follow the moon,  which pulls. "


@pytest.fixture
def anyio_backend(virtual_clock):
    return virtual_clock


def guard(rail: OracleRail, **streaming: object) -> LLMRails:
    config = {"rails": {"output": {"flows": ["oracle"], "streaming": {"enabled": True, **streaming}}}}
    registry = Registry.discover().with_plugins(rail.as_plugin())
    return LLMRails(RailsConfig.from_content(config=config), registry=registry)


@pytest.mark.parametrize(
    ("split", "pieces"),
    [
        ("whole", ["ab cd "]),
        ("words", ["ab", " cd", " "]),
        ("characters", ["a", "b", " ", "c", "d", " "]),
        (4, ["ab c", "d "]),
        ([2, 2, 5], ["ab", "", " cd", " "]),
    ],
)
def test_a_text_is_cut_as_it_is_asked_for(split, pieces):
    assert pieces_of("ab cd ", split) == pieces


def test_nothing_is_lost_at_random_places_which_are_the_same_each_time():
    cuts = [pieces_of(TEXT, "random", seed=seed) for seed in range(20)]
    assert {"".join(cut) for cut in cuts} == {TEXT}
    assert len({tuple(cut) for cut in cuts}) == 20
    assert pieces_of(TEXT, "random", seed=3) == cuts[3]


@pytest.mark.parametrize("split", [0, -1, "sentences"])
def test_a_cut_that_cannot_be_is_refused(split):
    with pytest.raises(ValueError, match="split is"):
        pieces_of(TEXT, split)


async def test_a_stream_comes_in_pieces_and_at_its_pace(stream_of):
    started = anyio.current_time()
    assert [piece async for piece in stream_of(TEXT, 10, pause=60)] == pieces_of(TEXT, 10)
    assert anyio.current_time() - started == pytest.approx(60 * 5)


async def test_what_is_delivered_is_told(delivered, stream_of, oracle_rail):
    came = await delivered(guard(oracle_rail()), generator=stream_of(TEXT))
    assert came.text == "".join(came.pieces) == TEXT
    assert came.finished
    assert came.blocked is came.failed is None


async def test_a_block_and_a_failure_are_told_apart(delivered, stream_of, oracle_rail):
    rails = guard(oracle_rail(["moon"], fails=["pulls"]))
    blocked = await delivered(rails, generator=stream_of(TEXT.replace("pulls", "draws")))
    assert (blocked.text, blocked.blocked.category, blocked.blocked.span) == ("", "oracle", (21, 25))
    failed = await delivered(rails, generator=stream_of(TEXT))
    assert "fails at 'pulls'" in failed.failed.error
    assert not blocked.finished
    assert not failed.finished


async def test_the_oracle_takes_its_time_and_knows_how_often_it_was_asked(delivered, stream_of):
    rail = OracleRail(latency=20)
    started = anyio.current_time()
    came = await delivered(guard(rail, chunk_size=20, context_size=5), generator=stream_of(TEXT * 10, pause=1))
    assert came.text == TEXT * 10
    assert len(rail.windows) == len(came.response.rail_runs) > 1
    assert rail.most_running > 1
    assert anyio.current_time() - started == pytest.approx(len(pieces_of(TEXT * 10)) + 20)


async def test_the_oracle_notices_that_it_is_cancelled(delivered, stream_of):
    rail = OracleRail(["moon"], latency=lambda window: 1 if "moon" in window.text else 20)
    came = await delivered(
        guard(rail, chunk_size=10, context_size=2), generator=stream_of("moon " + "The sea goes out. " * 20)
    )
    assert came.blocked
    assert rail.running == 0
    assert rail.cancelled > 0


async def test_a_scripted_model_answers_in_turn(delivered, scripted_model):
    rails = LLMRails(RailsConfig.from_content(config={}), llm=scripted_model("one", "two"))
    assert [(await delivered(rails, "Hello")).text for _ in range(2)] == ["one", "two"]
    assert (await delivered(rails, messages=[{"role": "user", "content": "Hello"}])).text == "two"


def test_lines_are_counted_with_those_of_what_is_called():
    def inner(times):
        for _ in range(times):
            pass

    one, hundred = lines_run(inner, 1), lines_run(lambda: inner(100))
    assert hundred - one > 90


def test_bytes_are_counted_but_not_those_that_are_shared():
    shared = ["x" * 10_000]

    class Owner:
        def __init__(self) -> None:
            self.shared, self.own = shared, "y" * 5_000
            self.function = lambda: self.own

    assert bytes_kept(Owner()) > 15_000
    assert 5_000 < bytes_kept(Owner(), besides=[shared]) < 8_000


@pytest.mark.parametrize(("waits", "is_held"), [(0, True), (10**9, False)])
async def test_a_thread_that_waits_for_a_processor_does_not_hold_up_its_loop(monkeypatch, tmp_path, waits, is_held):
    told, total = tmp_path / "schedstat", 0
    told.write_text("0 0 0")
    monkeypatch.setattr(_standstill, "_STATISTICS", str(told))

    async def ask():
        nonlocal total
        time.sleep(2 * _standstill.LONGEST)  # noqa: ASYNC251  # as a bad rail does
        total += waits
        told.write_text(f"0 {total} 0")

    assert (await _standstill.shortest_standstill(ask) > _standstill.LONGEST) is is_held
