from __future__ import annotations

import gc
import subprocess
import sys
import threading

import anyio
import handrail_huggingface._pipelines as pipelines
import pytest
from handrail import ConfigurationError
from handrail.errors import ProviderError
from handrail_huggingface import _sharing
from handrail_huggingface.plugin import handrail_providers
from handrail_huggingface.provider import HuggingFaceProvider
from handrail_huggingface.settings import HuggingFaceSettings
from handrail_testkit import provider_context
from handrail_tiny import MODEL_PATH
from pydantic import ValidationError

PANCAKES = "How do I make pancakes?"


def text(chunks):
    return "".join(chunk.text for chunk in chunks)


@pytest.fixture
def loads(monkeypatch):
    """The names of the models that were loaded."""
    names = []
    load = pipelines.pipeline

    def counted(*args, **kwargs):
        names.append(kwargs["model"])
        return load(*args, **kwargs)

    monkeypatch.setattr(pipelines, "pipeline", counted)
    return names


async def test_a_folder_is_loaded_at_first_use_once_and_the_stream_says_so(make_provider, collect, loads):
    provider = make_provider(temperature=0)
    assert loads == []
    first = await collect(provider, PANCAKES)
    assert first[0].metadata == {"loading": str(MODEL_PATH)}
    assert "two eggs" in text(first)
    second = await collect(provider, PANCAKES)
    assert second[0].metadata is None
    assert text(second) == text(first)
    assert loads == [str(MODEL_PATH)]


async def test_preload_begins_with_the_configuration(make_provider, collect, loads):
    provider = make_provider(temperature=0, preload=True)
    await provider.aclose()
    assert loads == [str(MODEL_PATH)]
    assert (await collect(provider, PANCAKES))[0].metadata is None


async def test_entries_of_one_configuration_share_a_model(make_provider, collect, loads):
    context = provider_context("huggingface", model=str(MODEL_PATH))
    main, judge = make_provider(context=context), make_provider(context=context, temperature=0)
    await collect(main, PANCAKES, max_tokens=3)
    await collect(judge, PANCAKES, max_tokens=3)
    await collect(make_provider(), PANCAKES, max_tokens=3)
    assert len(loads) == 2


def test_nothing_is_kept_for_a_configuration_that_is_gone(make_provider):
    gc.collect()
    before = len(_sharing._by_configuration)
    context = provider_context("huggingface", model=str(MODEL_PATH))
    provider = make_provider(context=context)
    assert len(_sharing._by_configuration) == before + 1
    del provider, context
    gc.collect()
    assert len(_sharing._by_configuration) == before


async def test_a_reader_may_leave_while_the_model_is_loaded(make_provider, collect, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()
    load = pipelines.load_model

    def slow(*args):
        begun.set()
        assert go_on.wait(300)
        return load(*args)

    monkeypatch.setattr(pipelines, "load_model", slow)
    provider = make_provider()
    stream = provider.stream([{"role": "user", "content": PANCAKES}], {})
    assert "loading" in (await anext(stream)).metadata
    assert begun.wait(300)
    with anyio.fail_after(300):
        await stream.aclose()
    go_on.set()
    await provider.aclose()
    assert (await collect(provider, PANCAKES, max_tokens=3))[0].metadata is None


async def test_a_model_that_could_not_be_loaded_is_tried_again(make_provider, collect, monkeypatch):
    load = pipelines.load_model

    def fails(*args):
        raise ProviderError("the disk is asleep")

    monkeypatch.setattr(pipelines, "load_model", fails)
    provider = make_provider()
    with pytest.raises(ProviderError, match="the disk is asleep"):
        await collect(provider)
    monkeypatch.setattr(pipelines, "load_model", load)
    assert text(await collect(provider, PANCAKES, max_tokens=3))


async def test_a_loader_that_leaves_the_program_is_an_error_and_no_end(make_provider, collect, monkeypatch):
    def leaves(*args):
        raise SystemExit(1)

    monkeypatch.setattr(threading, "excepthook", lambda args: None)
    monkeypatch.setattr(pipelines, "load_model", leaves)
    provider = make_provider()
    for _ in range(2):
        with pytest.raises(ProviderError, match="failed: SystemExit: 1"):
            await collect(provider)


async def test_a_chat_template_may_be_given_as_text_or_file(make_provider, collect, tmp_path, monkeypatch):
    template = "<|begin|><|user|>{{ messages[-1].content }}<|end|><|assistant|>"
    (tmp_path / "chat.jinja").write_text(template)
    for given in (template, str(tmp_path / "chat.jinja")):
        provider = make_provider(chat_template=given, temperature=0, max_tokens=20)
        assert "two eggs" in text(await collect(provider, PANCAKES))


async def test_generation_parameters_stand_beside_the_settings(make_provider, collect):
    provider = make_provider(temperature=0, max_tokens=4, repetition_penalty=1.1, stop="never")
    assert (await collect(provider))[-1].usage.output_tokens == 4
    assert (await collect(provider, max_tokens=2))[-1].usage.output_tokens == 2
    other = make_provider(pipeline_kwargs={"max_new_tokens": 3, "do_sample": False})
    assert (await collect(other))[-1].usage.output_tokens == 3


@pytest.mark.parametrize("engine", ["huggingface", "hf_pipeline_cpu", "huggingface_pipeline"])
async def test_the_engine_has_the_names_that_configurations_use(make_provider, collect, engine):
    [spec] = handrail_providers()
    assert engine in {spec.name, *spec.aliases}
    provider = make_provider(engine=engine, model=None, path=str(MODEL_PATH))
    assert text(await collect(provider, max_tokens=3))


# Bad input


async def test_a_gpu_that_is_not_there_says_so(make_provider, collect, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ProviderError, match="is to run on 'cuda', but PyTorch finds no GPU here"):
        await collect(make_provider(engine="hf_pipeline_gpu", device=None))


def test_without_pytorch_the_extra_is_named():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from types import SimpleNamespace as N\n"
        "from handrail_huggingface.provider import HuggingFaceProvider\n"
        "try: HuggingFaceProvider(None, N(model=N(model='x')))\n"
        "except Exception as exc: print(type(exc).__name__, exc)\n"
        "print('transformers' in sys.modules)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.startswith("ConfigurationError engine 'huggingface' needs PyTorch, which is not installed")
    assert 'pip install "handrail-huggingface[torch]"' in said
    assert said.endswith("False\n")


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "."])
def test_a_path_that_is_no_model_is_refused(make_provider, name):
    with pytest.raises(ConfigurationError, match=r"is not a folder with a config.json; name a folder that"):
        make_provider(name)


def test_a_model_must_be_named(make_provider):
    with pytest.raises(ConfigurationError, match="needs the model's folder or hub name"):
        make_provider(None)


async def test_a_folder_with_broken_weights_is_refused(make_provider, collect, tmp_path):
    for file in MODEL_PATH.iterdir():
        cut = -1000 if file.suffix == ".safetensors" else None
        (tmp_path / file.name).write_bytes(file.read_bytes()[:cut])
    with pytest.raises(ProviderError, match="cannot be loaded from the folder"):
        await collect(make_provider(str(tmp_path)))


async def test_a_name_that_the_hub_does_not_have_is_refused(make_provider, collect, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ProviderError, match="cannot be loaded from 'nobody/nothing' on the Hugging Face hub"):
        await collect(make_provider("nobody/nothing"))


async def test_a_tokenizer_that_does_not_fit_is_refused(make_provider, collect, tmp_path, pipe):
    pipe.tokenizer.save_pretrained(tmp_path)
    larger = type(pipe.tokenizer).from_pretrained(tmp_path)
    larger.add_tokens([f"<extra_{n}>" for n in range(9)])
    larger.save_pretrained(tmp_path)
    with pytest.raises(ConfigurationError, match=r"does not fit the model: it has 2057 tokens and the model 2048"):
        await collect(make_provider(tokenizer=str(tmp_path)))


async def test_a_chat_template_that_is_not_there_is_refused(make_provider, collect):
    with pytest.raises(ProviderError, match="the chat template 'nowhere.jinja' cannot be read"):
        await collect(make_provider(chat_template="nowhere.jinja"))


def test_an_unknown_setting_is_refused():
    with pytest.raises(ValidationError, match="unknown parameter 'temprature'; did you mean 'temperature'"):
        HuggingFaceSettings.model_validate({"temprature": 1})


def test_remote_code_is_off_unless_set():
    assert HuggingFaceSettings().trust_remote_code is False


def test_discovery_imports_nothing_heavy():
    heavy = "{'torch', 'transformers', 'pydantic', 'anyio'}"
    code = f"import sys, handrail_huggingface.plugin; print({heavy} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "set()\n"


def test_the_provider_closes_without_having_loaded(make_provider):
    assert isinstance(make_provider(), HuggingFaceProvider)
    anyio.run(make_provider().aclose)
