"""Sizes of windows, and what a rail may set for itself."""

from __future__ import annotations

import pytest
from handrail.config import RailOptions, RailsConfig, StreamingConfig
from handrail.errors import InvalidRailsConfigurationError


def streaming(**keys: object) -> StreamingConfig:
    return RailsConfig.from_content(config={"rails": {"output": {"streaming": keys}}}).rails.output.streaming


def refusal(**keys: object) -> str:
    with pytest.raises(InvalidRailsConfigurationError) as caught:
        streaming(**keys)
    return str(caught.value)


def with_rail(section: dict[str, object], **base: object) -> RailsConfig:
    rails = {"output": {"streaming": base}, "config": {"toxicity check": section}}
    return RailsConfig.from_content(config={"rails": rails})


def rail_refusal(section: dict[str, object], **base: object) -> tuple[str, ...]:
    with pytest.raises(InvalidRailsConfigurationError) as caught:
        with_rail(section, **base)
    return caught.value.problems


def test_defaults():
    default = streaming()
    assert default.model_dump() == {
        "enabled": False,
        "chunk_size": 200,
        "context_size": 50,
        "hold_size": None,
        "first_chunk_size": None,
        "stream_first": False,
        "strategy": "rolling",
        "max_pending": 2000,
        "max_answer_characters": 4_000_000,
    }
    assert default.resolved_hold_size == 50
    assert default.resolved_first_chunk_size == 75


@pytest.mark.parametrize(
    ("keys", "hold", "first"),
    [
        ({"chunk_size": 60}, 50, 60),
        ({"chunk_size": 10, "context_size": 4}, 4, 10),
        ({"chunk_size": 1, "context_size": 0}, 0, 1),
        ({"hold_size": 0}, 0, 25),
        ({"hold_size": 0, "first_chunk_size": 1}, 0, 1),
        ({"first_chunk_size": 200}, 50, 200),
    ],
)
def test_sizes_that_are_not_set_follow_from_the_others(keys: dict[str, int], hold: int, first: int):
    resolved = streaming(**keys)
    assert (resolved.resolved_hold_size, resolved.resolved_first_chunk_size) == (hold, first)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"chunk_size": 0}, "chunk_size is the number 0; it must be at least 1"),
        ({"chunk_size": -5}, "chunk_size is the number -5; it must be at least 1"),
        ({"context_size": -1}, "context_size is the number -1; it must be at least 0"),
        ({"context_size": 200}, "context_size is 200; it must be below chunk_size, which is 200; try 50"),
        (
            {"chunk_size": 20, "context_size": 20},
            "context_size is 20; it must be below chunk_size, which is 20; try 5",
        ),
        (
            {"chunk_size": 20},
            (
                "chunk_size is 20, which leaves no room for context_size: 50 unless set, and it must be below "
                "chunk_size; set context_size too, for example to 5"
            ),
        ),
        ({"hold_size": 51}, "hold_size is 51; it must be at most context_size, which is 50"),
        ({"hold_size": -1}, "hold_size is the number -1; it must be at least 0"),
        ({"first_chunk_size": 50}, "first_chunk_size is 50; it must be more than hold_size, which is 50"),
        ({"first_chunk_size": 201}, "first_chunk_size is 201; it must be at most chunk_size, which is 200"),
        ({"max_pending": 0}, "max_pending is the number 0; it must be at least 1"),
        ({"chunk_size": "200"}, "chunk_size is the text '200'; it must be a whole number, write it without quotes"),
        ({"chunk_size": "many"}, "chunk_size is the text 'many'; it must be a whole number"),
        ({"chunk_size": True}, "chunk_size is true; it must be a whole number"),
        ({"chunk_size": 20.5}, "chunk_size is the number 20.5; it must be a whole number"),
        ({"enabled": "maybe"}, "enabled is the text 'maybe'; it must be true or false"),
        ({"strategy": ["rolling"]}, "strategy is a list; it must be text"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(keys: dict[str, object], message: str):
    assert refusal(**keys) == f"rails.output.streaming.{message}"


def test_keys_of_a_strategy_are_kept_for_it():
    assert streaming(strategy="sentence", longest=40).strategy_settings == {"longest": 40}


def test_options_of_a_rail_without_settings():
    options, own = RailsConfig.from_content(config={}).rail_options("toxicity check")
    assert options == RailOptions()
    assert own == {}
    assert options.model_dump() == {
        "mode": "enforce",
        "streaming": None,
        "threshold": None,
        "when": None,
        "place": None,
        "max_concurrency": 8,
        "timeout": 30.0,
        "on_error": "block",
        "on_timeout": None,
        "channels": None,
    }


def test_the_kernels_options_are_split_from_the_rails_own_settings():
    options, own = with_rail({"timeout": 3, "on_error": "allow", "threshold": 0.4}).rail_options("toxicity check")
    assert (options.timeout, options.on_error, options.resolved_on_timeout) == (3.0, "allow", "allow")
    assert own == {"threshold": 0.4}


def test_a_time_out_may_be_treated_otherwise_than_an_error():
    options, _ = with_rail({"on_error": "allow", "on_timeout": "block"}).rail_options("toxicity check")
    assert options.resolved_on_timeout == "block"


@pytest.mark.parametrize("name", ["toxicity check", "Toxicity-Check", "TOXICITY_check"])
def test_a_rail_finds_its_settings_however_its_name_is_spelt(name: str):
    config = with_rail({"threshold": 0.4})
    assert config.rail_options(name)[1] == {"threshold": 0.4}
    assert config.rail_key(name) == "toxicity check"


def test_a_rail_may_have_another_key_and_its_own_name_goes_first():
    sections = {"regex_detection": {"at": "shared"}, "regex check output": {"at": "own"}}
    config = RailsConfig.from_content(config={"rails": {"config": sections}})
    assert config.rail_options("regex check output", "regex_detection")[1] == {"at": "own"}
    assert config.rail_options("regex check input", "regex_detection")[1] == {"at": "shared"}


def test_empty_settings_are_no_settings():
    config = RailsConfig.from_content(yaml_content="rails:\n  config:\n    toxicity check:\n")
    assert config.rail_options("toxicity check") == (RailOptions(), {})


def test_one_rail_under_two_spellings_is_refused():
    text = "rails:\n  config:\n    a b: {x: 1}\n    a_b: {x: 2}\n"
    with pytest.raises(InvalidRailsConfigurationError) as caught:
        RailsConfig.from_content(yaml_content=text)
    assert str(caught.value) == (
        "yaml_content:4:5: 'a_b' in rails.config is the same rail as 'a b' at yaml_content:3:5; keep one of them"
    )


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"timeout": 0}, "timeout is the number 0; it must be more than 0"),
        ({"timeout": float("inf")}, "timeout is the number inf; it must be a finite number"),
        ({"timeout": True}, "timeout is true; it must be a number"),
        ({"max_concurrency": 0}, "max_concurrency is the number 0; it must be at least 1"),
        ({"on_error": "pass"}, "on_error is the text 'pass'; allowed: 'block', 'allow'"),
        ({"on_error": "alow"}, "on_error is the text 'alow'; allowed: 'block', 'allow'; did you mean 'allow'?"),
        ({"on_timeout": "pass"}, "on_timeout is the text 'pass'; allowed: 'block', 'allow'"),
        (
            {"channels": ["tools"]},
            "channels[0] is the text 'tools'; allowed: 'text', 'reasoning', 'tool_calls'; did you mean 'tool_calls'?",
        ),
        (
            {"channels": "text"},
            "channels is the text 'text'; it must be a list, each item on a line of its own that begins with '- '",
        ),
        (
            {"channels": []},
            "channels is empty, so the rail would see nothing; name 'text', 'reasoning' or 'tool_calls'",
        ),
        ({"streaming": "fast"}, "streaming is the text 'fast'; it must be a mapping"),
        (
            {"streaming": {"enabled": True}},
            "streaming.enabled cannot be set for one rail; set it for all of them in rails.output.streaming",
        ),
        (
            {"streaming": {"max_pending": 9}},
            "streaming.max_pending cannot be set for one rail; set it for all of them in rails.output.streaming",
        ),
        ({"streaming": {"chunk_size": 0}}, "streaming.chunk_size is the number 0; it must be at least 1"),
    ],
)
def test_options_that_do_not_fit_are_refused_when_the_configuration_is_loaded(section: dict[str, object], message: str):
    assert rail_refusal(section) == (f"rails.config.toxicity check.{message}",)


def test_a_rail_overrides_some_of_the_streams_settings():
    config = with_rail({"streaming": {"context_size": 10, "stream_first": True}}, enabled=True, chunk_size=100)
    options, _ = config.rail_options("toxicity check")
    own = config.rail_streaming(options)
    assert (own.enabled, own.chunk_size, own.context_size, own.stream_first) == (True, 100, 10, True)
    assert (own.resolved_hold_size, own.resolved_first_chunk_size) == (10, 35)


def test_a_rail_without_streaming_settings_has_those_of_the_stream_itself():
    config = with_rail({"timeout": 3}, chunk_size=100)
    assert config.rail_streaming(config.rail_options("toxicity check")[0]) is config.rails.output.streaming


def test_an_override_must_fit_what_it_overrides():
    assert rail_refusal({"streaming": {"context_size": 40}}, hold_size=45) == (
        "rails.config.toxicity check.streaming.hold_size is 45; it must be at most context_size, which is 40",
    )


def test_a_rail_with_another_strategy_leaves_the_settings_of_the_first_one():
    base = {"strategy": "sentence", "longest": 40, "chunk_size": 100}
    config = with_rail({"streaming": {"strategy": "whole"}}, **base)
    own = config.rail_streaming(config.rail_options("toxicity check")[0])
    assert (own.strategy, own.chunk_size, own.strategy_settings) == ("whole", 100, {})
    config = with_rail({"streaming": {"longest": 60}}, **base)
    own = config.rail_streaming(config.rail_options("toxicity check")[0])
    assert (own.strategy, own.strategy_settings) == ("sentence", {"longest": 60})


def test_options_made_by_hand_are_validated_too():
    config = RailsConfig.from_content(config={})
    with pytest.raises(ValueError, match="streaming.chunk_size is the number 0"):
        config.rail_streaming(RailOptions(streaming={"chunk_size": 0}))
