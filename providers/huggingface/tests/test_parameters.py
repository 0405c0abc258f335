from __future__ import annotations

import pytest
from handrail.errors import ProviderBadRequestError
from handrail_huggingface._parameters import GENERATION_PARAMETERS, parse
from transformers import GenerationConfig, GenerationMixin

OBJECTS = {"assistant_model", "logits_processor", "negative_prompt_ids", "prefix_allowed_tokens_fn"}
OBJECTS |= {"generation_config", "stopping_criteria"}


def test_every_generation_parameter_is_one_of_transformers():
    assert set(vars(GenerationConfig())) >= GENERATION_PARAMETERS - OBJECTS
    assert set(GenerationMixin.generate.__annotations__) >= OBJECTS - {"negative_prompt_ids"}


def test_later_layers_override_earlier_ones_under_any_name():
    assert parse({"max_tokens": 5, "top_p": 0.5}, {"max_new_tokens": 7}).generate == {"max_new_tokens": 7, "top_p": 0.5}


def test_none_takes_a_parameter_back():
    assert parse({"top_p": 0.5}, {"top_p": None}).generate == {}


@pytest.mark.parametrize(("temperature", "samples"), [(0, False), (0.01, True), (1, True)])
def test_the_temperature_decides_whether_tokens_are_drawn(temperature, samples):
    assert parse({"temperature": temperature}).generate["do_sample"] is samples


def test_what_is_said_about_drawing_is_kept():
    assert parse({"temperature": 0.5, "do_sample": False}).generate["do_sample"] is False


@pytest.mark.parametrize("stop", ["END", ["END"], ("END",)])
def test_stop_is_a_string_or_a_list(stop):
    assert parse({"stop": stop}).stop == ("END",)


def test_tools_can_be_hidden():
    tools = [{"type": "function", "function": {"name": "find"}}]
    assert parse({"tools": tools}).tools == tuple(tools)
    assert parse({"tools": tools, "tool_choice": "none"}).tools == ()


def test_parameters_that_change_nothing_are_accepted():
    assert parse({"n": 1, "presence_penalty": 0, "num_beams": 1}).generate == {}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"temprature": 1}, "unknown parameter 'temprature'; did you mean 'temperature'?"),
        ({"qwertz": 1}, "unknown parameter 'qwertz'"),
        ({"temperature": -1}, "temperature is -1; it must be a number from 0"),
        ({"temperature": "hot"}, "temperature is 'hot'; it must be a number from 0"),
        ({"max_tokens": 0}, "max_new_tokens is 0; it must be a whole number from 1"),
        ({"stop": 5}, "stop is 5; it must be a string that is not empty, or a list of such"),
        ({"stop": [""]}, "it must be a string that is not empty"),
        ({"num_beams": 4}, "num_beams is 4, but a stream is one text"),
        ({"n": 2}, "n is 2, but a stream is one text"),
        ({"presence_penalty": 0.5}, "transformers has no such penalty"),
        ({"tool_choice": "required"}, "tool_choice is 'required'; a local model takes 'auto' or 'none'"),
    ],
)
def test_a_bad_parameter_is_a_bad_request(params, message):
    with pytest.raises(ProviderBadRequestError) as caught:
        parse(params)
    assert message in str(caught.value)
