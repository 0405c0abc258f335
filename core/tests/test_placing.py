"""A rail may run elsewhere: a placement asks it there, and everything else of the configuration stays as it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes import FakeProvider
from handrail import ConfigurationError, LLMRails, RailsConfig, Registry, Ruling, StandaloneRail, Verdict, rewritten
from handrail.config import json_schema
from handrail.errors import PluginLoadError
from handrail.plugins import PlacementSpec, ProviderSpec, RailSpec, hookimpl
from jsonschema import Draft7Validator
from pydantic import BaseModel, ConfigDict

AWAY = {"place": {"shed": {"door": "green"}}}


class ShedSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    door: str = "red"


class Shed:
    """Builds the rail as a process elsewhere would, and asks it there; verdicts come back as copies."""

    made = []

    def __init__(self, settings, context):
        self.settings, self.context = settings, context
        self.alone = StandaloneRail(context.rail.config, context.flow, context.rail.direction, registry=registry())
        self.closed = False
        Shed.made.append(self)

    async def check(self, window, turn):
        verdict = await self.alone.rail.check(window, turn)
        reason = f"{verdict.reason} (by the {self.settings.door} door)" if verdict.reason else ""
        return replace(verdict, reason=reason)

    def open(self, turn):
        return self.alone.rail.open(turn)

    async def aclose(self):
        self.closed = True
        await self.alone.aclose()


class Blunt:
    """Refuses a word, which may be set or be an argument of the flow."""

    built = 0

    def __init__(self, settings, context):
        Blunt.built += 1
        self.word = context.arguments.get("word") or settings.get("word", "bad")

    async def check(self, window, turn):
        return Verdict.block("found", score=0.8) if self.word in window.text.split() else Verdict.allow(score=0.1)


class Pairs:
    """Refuses the second window of a stream."""

    def __init__(self, settings, context):
        pass

    def open(self, turn):
        return _Pair()


class _Pair:
    seen = 0

    async def check(self, window):
        self.seen += 1
        return Verdict.block("twice") if self.seen == 2 else Verdict.allow()


class Louder:
    def __init__(self, settings, context):
        pass

    async def check(self, window, turn):
        return rewritten(window, window.text.upper())


class Reader:
    def __init__(self, settings, context):
        pass

    def open(self, turn):
        raise NotImplementedError(Ruling)


class Plugin:
    @hookimpl
    def handrail_providers(self):
        yield ProviderSpec("fake", lambda settings, context: FakeProvider(["good ", "day ", "bad ", "night"]))

    @hookimpl
    def handrail_rails(self):
        yield RailSpec("blunt", Blunt)
        yield RailSpec("pairs", Pairs, stateful=True)
        yield RailSpec("louder", Louder, rewrites="whole")
        yield RailSpec("reader", Reader)

    @hookimpl
    def handrail_placements(self):
        yield PlacementSpec("shed", Shed, ShedSettings, "In the shed.")
        yield PlacementSpec("nowhere", lambda settings, context: object())


def registry():
    return Registry.discover(only=()).with_plugins(Plugin())


def config(*flows, **settings):
    return RailsConfig.from_content(
        config={
            "models": [{"type": "main", "engine": "fake"}],
            "rails": {
                "output": {"flows": list(flows), "streaming": {"enabled": True, "chunk_size": 4, "context_size": 1}},
                "config": settings,
            },
        }
    )


def rails(*flows, **settings):
    return LLMRails(config(*flows, **settings), registry=registry())


async def outcome(guarded):
    async with guarded, guarded.stream("hello") as stream:
        events = [event async for event in stream]
    return stream.response.outcome, stream.response.text, getattr(events[-1], "reason", "")


async def test_a_placed_rail_is_asked_where_it_runs_and_not_built_here():
    before = Blunt.built
    guarded = rails("blunt", blunt=AWAY)
    assert Blunt.built == before + 1
    assert guarded.composition.output_rails[0].rail.rail is Shed.made[-1]
    assert await outcome(guarded) == ("blocked", "", "found (by the green door)")
    assert Shed.made[-1].closed


async def test_arguments_and_settings_reach_the_rail_where_it_runs():
    assert (await outcome(rails("blunt $word=fine", blunt=AWAY)))[0] == "finished"
    assert (await outcome(rails("blunt", blunt={"word": "fine", **AWAY})))[0] == "finished"


async def test_thresholds_and_modes_stay_with_whoever_guards():
    assert (await outcome(rails("blunt", blunt={"threshold": 0.9, **AWAY})))[0] == "finished"
    assert (await outcome(rails("blunt", blunt={"mode": "observe", **AWAY})))[0] == "finished"


async def test_a_stateful_rail_may_be_placed():
    ended, _, reason = await outcome(rails("pairs", pairs=AWAY))
    assert (ended, reason) == ("blocked", "twice")


async def test_a_rail_that_makes_another_text_of_the_whole_may_be_placed():
    assert await outcome(rails("louder", louder=AWAY)) == ("finished", "GOOD DAY BAD NIGHT", "")


def test_a_rail_that_fails_there_names_both_plugins():
    (plan,) = rails("blunt", blunt=AWAY).composition.output_rails
    assert plan.plugin == "plugin 'Plugin', placed by plugin 'Plugin'"


@pytest.mark.parametrize(
    ("flow", "place", "found"),
    [
        ("blunt", {"shad": None}, "unknown placement 'shad'; did you mean 'shed'?"),
        ("blunt", {"shed": {"dor": "green"}}, "did you mean 'door'"),
        ("blunt", {}, "names 0 placements"),
        ("blunt", {"shed": None, "nowhere": None}, "names 2 placements"),
        ("blunt", "shed", "place"),
        ("reader", {"shed": None}, "must run in this process"),
    ],
)
def test_a_place_that_cannot_be_is_an_error(flow, place, found):
    with pytest.raises(ConfigurationError, match=".*") as error:
        rails(flow, **{flow: {"place": place}})
    assert found in str(error.value)


def test_a_placement_that_makes_no_rail_is_an_error():
    with pytest.raises(PluginLoadError, match="must have 'check'"):
        rails("blunt", blunt={"place": {"nowhere": None}})


async def test_a_rail_alone_needs_nothing_of_the_others():
    both = config("blunt", "unknown rail", blunt=AWAY)
    async with StandaloneRail(both, "blunt", "output", registry=registry()) as alone:
        assert type(alone.rail) is Blunt
        assert not alone.is_stateful
    with pytest.raises(ConfigurationError, match="unknown rail 'unknown rail'"):
        StandaloneRail(both, "unknown rail", "output", registry=registry())
    for wrong in ("", "blunt $word"):
        with pytest.raises(ConfigurationError, match="is not valid"):
            StandaloneRail(both, wrong, "output", registry=registry())


def test_the_schema_knows_the_placements_and_their_settings():
    check = Draft7Validator(json_schema(registry()))

    def is_valid(place):
        return check.is_valid({"rails": {"config": {"blunt": {"place": place}}}})

    assert is_valid({"shed": {"door": "green"}})
    assert is_valid({"shed": None})
    assert not is_valid({"shed": {"dor": "green"}})
    assert not is_valid({"shad": None})
    assert not is_valid({})
