"""Whatever a model writes: a small model whose tokens are chosen by the test, through `generate`."""

from __future__ import annotations

import threading
from contextlib import aclosing

import anyio
import pytest
import torch
from handrail.errors import ProviderBadRequestError, ProviderError, ProviderTimeoutError
from handrail_huggingface import AsyncTextIteratorStreamer, HuggingFacePipelineCompatible
from handrail_tiny import MODEL_PATH
from transformers import AddedToken, AutoTokenizer, GenerationConfig, LlamaConfig, LlamaForCausalLM, pipeline

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)
HARMONY = "{% for m in messages %}<|start|>{{ m.role }}<|message|>{{ m.content }}<|end|>{% endfor %}<|start|>assistant"
IM = ("<|im_start|>", "<|im_end|>")
CHANNELS = ("<|start|>", "<|message|>", "<|channel|>", "<|return|>", "<|call|>", "<|constrain|>", "<|end|>")


class Writes:
    """Makes a model write these tokens; several at once if it is asked for several."""

    def __init__(self, ids):
        self._ids = ids
        self._start = None

    def __call__(self, input_ids, scores):
        if self._start is None:
            self._start = input_ids.shape[1]
        forced = torch.full_like(scores, -1e9)
        forced[:, self._ids[min(input_ids.shape[1] - self._start, len(self._ids) - 1)]] = 0
        return forced


class Model:
    """A model with these tokens in its vocabulary and this chat template."""

    def __init__(self, template=CHATML, special=IM, plain=(), eos="<|im_end|>", **generation_config):
        self.tokenizer = AutoTokenizer.from_pretrained(MODEL_PATH)
        self.tokenizer.chat_template = template
        self.tokenizer.add_tokens([AddedToken(token, special=True) for token in special], special_tokens=True)
        self.tokenizer.add_tokens([AddedToken(token, special=False) for token in plain])
        torch.manual_seed(0)
        model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=len(self.tokenizer),
                hidden_size=8,
                intermediate_size=8,
                num_hidden_layers=1,
                num_attention_heads=1,
                max_position_embeddings=512,
                eos_token_id=self.tokenizer.eos_token_id,
            )
        ).eval()
        generation_config["eos_token_id"] = self.tokenizer.convert_tokens_to_ids(eos)
        for name, value in generation_config.items():
            setattr(model.generation_config, name, value)
        self._model = model
        self._known = {*special, *plain, self.tokenizer.eos_token}

    def pipeline(self, **kwargs):
        return pipeline("text-generation", model=self._model, tokenizer=self.tokenizer, device="cpu", **kwargs)

    def ids(self, *parts):
        return [
            token
            for part in parts
            for token in (
                [self.tokenizer.convert_tokens_to_ids(part)]
                if part in self._known
                else self.tokenizer.encode(part, add_special_tokens=False)
            )
        ]

    def llm(self, *parts, pipe=None, **model_kwargs):
        """Return a provider whose model writes these parts, each a token or plain text."""
        kwargs = {"max_new_tokens": 60, "logits_processor": [Writes(self.ids(*parts))], **model_kwargs}
        return HuggingFacePipelineCompatible(pipeline=pipe or self.pipeline(), model_kwargs=kwargs)


async def said(llm, messages="hi", **params):
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    async with aclosing(llm.stream(messages, params)) as stream:
        with anyio.fail_after(300):
            chunks = [chunk async for chunk in stream]
    return (
        "".join(chunk.text for chunk in chunks),
        "".join(chunk.reasoning for chunk in chunks),
        chunks[-1].finish_reason,
    )


# Stop strings with special tokens


@pytest.mark.parametrize(
    "stop", ["<|im_end|>", "<|im_end|>\n", "<|im_end|>\n<|im_start|>", ".<|im_end|>", "\n<|im_start|>"]
)
async def test_a_stop_string_may_have_special_tokens_in_it(stop):
    llm = Model(eos="<|end|>").llm("One.", "<|im_end|>", "\n", "<|im_start|>", "user", "\nTwo.", "<|end|>")
    text, _, reason = await said(llm, stop=[stop])
    assert (text, reason) == ("One" if stop.startswith(".") else "One.", "stop")


async def test_a_special_token_that_is_spelt_is_no_stop_string():
    llm = Model(eos="<|end|>").llm("A <", "|im_end", "|> tag.", "<|end|>")
    assert await said(llm, stop=["<|im_end|>"]) == ("A <|im_end|> tag.", "", "stop")


async def test_a_special_token_ends_the_reasoning_and_a_tool_call_too():
    model = Model(CHATML + "{# <think></think> #}", eos="<|end|>")
    llm = model.llm("<think>", "hm", "<|im_end|>", "more", "<|end|>")
    assert await said(llm, stop=["<|im_end|>"]) == ("", "hm", "stop")


async def test_other_special_tokens_stay_out_of_the_text_before_a_stop_string():
    llm = Model(eos="<|end|>").llm("a", "<|im_start|>", "b STOP c", "<|end|>")
    assert await said(llm, stop=["b STOP", "<|im_end|>"]) == ("a", "", "stop")
    assert await said(llm, stop=["<|im_start|>x"]) == ("ab STOP c", "", "stop")


async def test_the_stop_strings_of_a_generation_config_count():
    llm = Model(stop_strings=["<|im_end|>", "STOP"], eos="<|end|>").llm("a STOP b", "<|im_end|>", "c", "<|end|>")
    assert await said(llm) == ("a ", "", "stop")
    assert await said(llm, stop=["c"]) == ("a STOP b", "", "stop")


# Reasoning


@pytest.mark.parametrize("kind", ["special", "plain", "spelt"])
@pytest.mark.parametrize("tags", [("<seed:think>", "</seed:think>"), ("<|START_THINKING|>", "<|END_THINKING|>")])
async def test_reasoning_stays_apart_whatever_kind_of_token_its_tags_are(tags, kind):
    template = CHATML + "{# " + " ".join(tags) + " #}"
    model = Model(template, (*IM, *(tags if kind == "special" else ())), tags if kind == "plain" else ())
    llm = model.llm(tags[0], "hidden", tags[1], "\nHello", "<|im_end|>")
    assert await said(llm) == ("Hello", "hidden", "stop")


async def test_a_template_that_opens_the_reasoning_with_a_special_token_is_understood():
    model = Model(CHATML + "◁think▷", (*IM, "◁think▷", "◁/think▷"))
    assert await said(model.llm("hidden", "◁/think▷", "Hello", "<|im_end|>")) == ("Hello", "hidden", "stop")
    assert await said(model.llm("Hello", "<|im_end|>"), "what is ◁think▷") == ("", "Hello", "stop")


async def test_channels_are_read():
    model = Model(HARMONY + "{# <|channel|> #}", CHANNELS, eos="<|return|>")
    parts = ("<|channel|>", "analysis", "<|message|>", "hidden", "<|end|>", "<|start|>", "assistant")
    llm = model.llm(*parts, "<|channel|>", "final", "<|message|>", "Hello.", "<|return|>")
    assert await said(llm) == ("Hello.", "hidden", "stop")
    llm = model.llm(*parts, "<|channel|>", "commentary to=functions.find", "<|message|>", '{"a": 1}', "<|call|>", "x")
    find = {"type": "function", "function": {"name": "find", "parameters": {"type": "object", "properties": {}}}}
    assert await said(llm, tools=[find]) == ("", "hidden", "tool_calls")


# One text, whatever the model's generation_config says


@pytest.mark.parametrize("params", [{}, {"num_beams": 1}, {"n": 1}, {"temperature": 0}])
@pytest.mark.parametrize(
    "config",
    [
        {"num_beams": 3},
        {"num_beams": 3, "early_stopping": True, "length_penalty": 0.5},
        {"num_beams": 4, "num_beam_groups": 2, "diversity_penalty": 0.5},
        {"num_return_sequences": 3, "do_sample": True},
        {"penalty_alpha": 0.6, "top_k": 4},
    ],
)
async def test_a_stream_is_one_text_whatever_the_generation_config_says(config, params):
    assert await said(Model(**config).llm("Hi", "<|im_end|>"), **params) == ("Hi", "", "stop")


async def test_a_stream_is_one_text_whatever_the_pipeline_was_made_with():
    model = Model()
    llm = model.llm("Hi", "<|im_end|>", pipe=model.pipeline(num_beams=3))
    assert await said(llm) == ("Hi", "", "stop")
    assert await said(llm, generation_config=GenerationConfig(num_beams=2, eos_token_id=model.ids("<|im_end|>"))) == (
        "Hi",
        "",
        "stop",
    )


async def test_the_end_that_the_pipeline_was_made_with_is_an_end():
    model = Model(eos="<|end|>")
    pipe = model.pipeline(eos_token_id=model.ids("<|im_end|>"))
    assert await said(model.llm("Hi", "<|im_end|>", pipe=pipe)) == ("Hi", "", "stop")


# Failures


class Wild(BaseException):
    pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    "raised", [StopIteration("x"), StopAsyncIteration(), RecursionError(), SystemExit(3), SystemExit()]
)
async def test_whatever_ends_the_thread_is_an_error_and_no_end_of_the_answer(raised):
    calls = []

    def leaves(input_ids, scores):
        calls.append(1)
        if len(calls) > 2:
            raise raised
        return scores

    model = Model()
    llm = model.llm("Hello there, you.", "<|im_end|>")
    received = []

    async def read():
        async for chunk in llm.stream([{"role": "user", "content": "hi"}], {"logits_processor": [leaves]}):
            received.append(chunk)

    with pytest.raises(ProviderError, match=rf"failed: {type(raised).__name__}"):
        await read()
    assert received
    assert all(chunk.finish_reason is None for chunk in received)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("raised", [KeyboardInterrupt(), GeneratorExit(), Wild("wild")])
async def test_what_is_no_exception_is_an_error_for_the_reader_too(raised):
    def fails(input_ids, scores):
        raise raised

    with pytest.raises(ProviderError, match=rf"failed: {type(raised).__name__}"):
        await said(Model().llm("Hello"), logits_processor=[fails])


@pytest.mark.parametrize(
    ("messages", "place"),
    [
        ([{"role": "user", "content": "half \ud83d of it"}], "message 1, 'content': character 5"),
        ([{"role": "user", "content": [{"type": "text", "text": "\udc3e"}]}], "message 1, 'content': character 0"),
        (
            [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": None, "tool_calls": [
                    {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"q": "\\ud83d"}'}}
                ]},
            ],
            "message 2, 'tool_calls'.*'arguments', 'q': character 0",
        ),
    ],
)  # fmt: skip
async def test_a_lone_surrogate_is_named_as_such(messages, place):
    with pytest.raises(ProviderBadRequestError, match=rf"{place} is a lone surrogate, U\+D") as caught:
        await said(Model().llm("Hello"), messages)
    assert caught.value.code == "lone_surrogate"
    assert "half of it" not in str(caught.value)


async def test_a_lone_surrogate_in_a_tool_is_named_as_such():
    tool = {"type": "function", "function": {"name": "f", "description": "\ud83d"}}
    with pytest.raises(ProviderBadRequestError, match=r"tools, 'function', 'description': character 0 is a lone"):
        await said(Model().llm("Hello"), tools=[tool])


@pytest.mark.parametrize(
    "content", ["\ud83d\udc3e", [{"type": "text", "text": "\ud83d"}, {"type": "text", "text": "\udc3e"}]]
)
async def test_two_halves_of_a_pair_are_one_character(pipe, content):
    llm = HuggingFacePipelineCompatible(pipeline=pipe, model_kwargs={"temperature": 0, "max_new_tokens": 4})
    usages = []
    for text in (content, "🐾"):
        async with aclosing(llm.stream([{"role": "user", "content": text}], {})) as stream:
            usages.append([chunk async for chunk in stream][-1].usage)
    assert usages[0] == usages[1]


# The streamer's own time-out


async def test_a_streamer_ends_a_wait_after_its_timeout_and_loses_nothing(tokenizer):
    streamer = AsyncTextIteratorStreamer(tokenizer, True, 0.01)
    with pytest.raises(TimeoutError, match=r"no text has come for 0.01 s"):
        await anext(streamer)
    streamer.put([0])
    streamer.put(tokenizer("late")["input_ids"])
    streamer.end()
    assert [piece async for piece in streamer] == ["late"]


async def test_after_a_timeout_the_thread_waits_for_nobody(tokenizer):
    streamer = AsyncTextIteratorStreamer(tokenizer, skip_prompt=True, timeout=0.01, max_pending=1)
    with pytest.raises(TimeoutError):
        await anext(streamer)
    streamer.put([0])
    for token in tokenizer("one two three")["input_ids"]:
        streamer.put([token])
    streamer.end()
    assert "".join([piece async for piece in streamer]) == "one two three"


async def test_the_timeout_of_a_streamer_counts_for_a_stream():
    go_on = threading.Event()

    def hangs(input_ids, scores):
        assert go_on.wait(300)
        return scores

    model = Model()
    patient = AsyncTextIteratorStreamer(model.tokenizer, timeout=300)
    assert await said(model.llm("Hello", "<|im_end|>", streamer=patient)) == ("Hello", "", "stop")
    llm = model.llm("Hello", "<|im_end|>", streamer=AsyncTextIteratorStreamer(model.tokenizer, timeout=0.05))
    with pytest.raises(ProviderTimeoutError, match=r"has written nothing for 0.05 s, the 'timeout' of its streamer"):
        await said(llm, logits_processor=[hangs])
    go_on.set()
