from __future__ import annotations

import json

import pytest
from handrail import ConfigurationError
from handrail.errors import ProviderBadRequestError, ProviderContextLengthError, ProviderError
from handrail_tiny import MODEL_PATH
from handrail_tiny.settings import TinySettings
from pydantic import ValidationError


@pytest.fixture
def copy(tmp_path):
    """A copy of the model, to be broken."""
    for file in MODEL_PATH.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def change(file, **values):
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"temprature": 1}, "unknown parameter 'temprature'; did you mean 'temperature'?"),
        ({"qwertz": 1}, "unknown parameter 'qwertz'; it takes temperature, top_p"),
        ({"temperature": -1}, "parameter 'temperature' is -1: input should be greater than or equal to 0"),
        ({"max_tokens": "many"}, "parameter 'max_tokens' is 'many'"),
        ({"stop": [""]}, "parameter 'stop.0' is ''"),
        ({"tool_choice": "required"}, "parameter 'tool_choice' is 'required'"),
    ],
)
async def test_a_bad_parameter_is_a_bad_request(provider, collect, params, problem):
    with pytest.raises(ProviderBadRequestError) as caught:
        await collect(provider, **params)
    assert problem in str(caught.value)
    assert caught.value.engine == "tiny"


def test_a_bad_setting_is_refused():
    with pytest.raises(ValidationError, match="temprature"):
        TinySettings.model_validate({"temprature": 1})


async def test_none_leaves_a_parameter_as_it_is(provider, collect):
    assert await collect(provider, temperature=None, stop=None) == await collect(provider)


async def test_a_message_longer_than_the_context_is_refused(provider, collect):
    with pytest.raises(ProviderContextLengthError, match=r"need 1\d\d\d tokens; the context of the model is 512"):
        await collect(provider, "x " * 600)


@pytest.mark.parametrize(
    ("messages", "problem"),
    [
        ([], "no message to answer"),
        ([{"role": "martian", "content": "Hello"}], "cannot read a message of the role 'martian'"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "reads text only"),
    ],
)
async def test_messages_that_cannot_be_read_are_refused(provider, collect, messages, problem):
    with pytest.raises(ProviderBadRequestError, match=problem):
        await collect(provider, messages)


async def test_tools_that_cannot_be_read_are_refused(provider, collect):
    with pytest.raises(ProviderBadRequestError, match="cannot read the tools or tool calls of the request: KeyError"):
        await collect(provider, tools=[{"name": "get_weather"}])


async def test_parts_of_text_are_read(provider, collect):
    parts = [{"type": "text", "text": "How do I make "}, {"type": "text", "text": "pancakes?"}]
    assert await collect(provider, [{"role": "user", "content": parts}]) == await collect(provider)


def test_a_path_that_is_no_model_is_refused(make_provider):
    with pytest.raises(ConfigurationError, match="is not a folder with a config.json; leave 'model' out"):
        make_provider("./nowhere")


async def test_another_folder_is_loaded(make_provider, collect, copy):
    assert await collect(make_provider(str(copy))) == await collect(make_provider())


async def test_broken_weights_are_refused(make_provider, collect, copy):
    (copy / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ProviderError, match="cannot load the model in"):
        await collect(make_provider(str(copy)))


async def test_a_model_that_is_no_small_llama_is_refused(make_provider, collect, copy):
    change(copy / "config.json", num_key_value_heads=1)
    with pytest.raises(ProviderError, match="num_key_value_heads is 1, not 4; use engine 'huggingface' for it"):
        await collect(make_provider(str(copy)))


async def test_a_tokenizer_that_does_not_fit_is_refused(make_provider, collect, copy):
    tokenizer = json.loads((copy / "tokenizer.json").read_text())
    extra = {**tokenizer["added_tokens"][0], "id": 2048, "content": "<extra>"}
    tokenizer["added_tokens"].append(extra)
    (copy / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(ProviderError, match="does not fit it: 2049 tokens for 2048 rows"):
        await collect(make_provider(str(copy)))


def test_a_preloaded_model_that_is_broken_fails_with_the_configuration(make_provider, copy):
    (copy / "tokenizer.json").write_text("{}")
    with pytest.raises(ProviderError, match="cannot load the model in"):
        make_provider(str(copy), preload=True)
