"""Each message of the page on troubleshooting is one that Handrail gives, below the class that raises it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import get_args

import anyio
import pytest
from distributions import ROOT
from handrail import LLMRails, RailsConfig, Registry, Verdict, errors
from handrail.plugins import RailSpec, hookimpl
from sessions import matches

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
MODEL = "models: [{type: main, engine: scripted, parameters: {answers: [A long answer]}}]\n"
STREAMED = "rails: {output: {flows: [%s], streaming: {enabled: true}}, config: {slow: {timeout: 0.01}}}"

Cause = Callable[[], object]


class Raises:
    def __init__(self, settings: object, context: object) -> None:
        pass

    async def check(self, window: object, turn: object) -> Verdict:
        raise RuntimeError("boom")


class Nonsense(Raises):
    async def check(self, window: object, turn: object) -> Verdict:
        return True  # type: ignore[return-value]  # the mistake that is looked at


class Slow(Raises):
    async def check(self, window: object, turn: object) -> Verdict:
        await anyio.sleep_forever()
        return Verdict.allow()


class Plugin:
    @hookimpl
    def handrail_rails(self):
        yield from (RailSpec(name, kind) for name, kind in (("raises", Raises), ("nonsense", Nonsense), ("slow", Slow)))
        yield RailSpec("nowhere", "no_such:X")
        yield RailSpec("secret check", Raises)


REGISTRY = Registry.discover().with_plugins(Plugin())


def rails(text: str) -> LLMRails:
    return LLMRails(RailsConfig.from_content(yaml_content=text), registry=REGISTRY)


def asked(work: Callable[[], Awaitable[object]]) -> Cause:
    return lambda: anyio.run(work)


def failed(rail: str) -> Cause:
    """Return what a rail that fails is told as, in an error of this class."""

    async def run() -> None:
        async with rails(MODEL + STREAMED % rail).stream("x") as stream:
            async for _ in stream:
                pass
        assert stream.response.outcome == "rail failed"
        raise Told(stream.response.stop.error)

    return asked(run)


def provider(kind: str) -> Cause:
    parameters = f"{{answers: [{{error: {{type: {kind}}}}}]}}"
    return lambda: rails(f"models: [{{type: main, engine: scripted, parameters: {parameters}}}]").generate("x")


class Told(Exception):
    """What an event says of an error."""


async def not_entered() -> None:
    async for _ in rails(MODEL).stream("x"):
        pass


async def entered_twice() -> None:
    async with rails(MODEL).stream("x") as stream:
        pass
    async with stream:
        pass


async def in_a_loop() -> None:
    rails(MODEL).generate("x")


async def no_json() -> None:
    text = MODEL.replace("A long answer", "'{\"a\": '") + STREAMED % "phrase check"
    options = {"llm_params": {"response_format": {"type": "json_object"}}}
    guarded = rails(text.replace("config: {", "config: {phrase check: {phrases: [x y z]}, "))
    async with guarded.stream("x", options=options) as stream:
        async for _ in stream:
            pass
    raise Told(stream.response.stop.error if stream.response.stop else stream.response.outcome)


async def forgotten() -> None:
    guarded = rails(MODEL).register_rail("forgets", lambda text: None)
    raise Told((await guarded.check_async([{"role": "assistant", "content": "x"}])).reason)


async def too_many() -> None:
    settings = "config: {classifier: {batch: {pending: 1, wait_ms: 100}}}"
    guarded = rails(MODEL + f"rails: {{output: {{flows: [classifier], streaming: {{enabled: true}}}}, {settings}}}")
    stops = []

    async def ask() -> None:
        async with guarded.stream("x") as stream:
            async for _ in stream:
                pass
        stops.append(stream.response.stop)

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        group.start_soon(ask)
    (stop,) = filter(None, stops)
    raise Told(stop.error)


async def breaker() -> None:
    judge = "parameters: {answers: [{error: {type: server}}]}"
    text = f"""
models:
  - {{type: main, engine: scripted, parameters: {{answers: [A long answer]}}}}
  - {{type: self_check_output, engine: scripted, breaker: {{failures: 1, seconds: 60}}, {judge}}}
prompts: [{{task: self_check_output, content: "Block? {{{{ bot_response }}}}"}}]
rails: {{output: {{flows: [self check output], streaming: {{enabled: true}}}}}}
"""
    guarded = rails(text)
    for _ in range(2):
        async with guarded.stream("x") as stream:
            async for _event in stream:
                pass
    raise Told(stream.response.stop.error)


def closed() -> None:
    guarded = rails(MODEL)
    guarded.close()
    guarded.generate("x")


HANGS = MODEL.replace("[A long answer]", "[{text: A long answer, hang: {after: 0}}]")
LIMITED = STREAMED.replace("enabled: true", "enabled: true, max_answer_characters: 5") % "personal data check"
PYTHONS = "Mistakes that Python reports"
CAUSES: Mapping[str, list[Cause]] = {
    "ConfigurationError": [
        lambda: rails("models: [{type: main, engine: opnai}]"),
        lambda: rails("models: [{type: main, engine: openai, model: x, api_key_env_var: NOPE_KEY}]"),
        lambda: rails("models: ["),
    ],
    "InvalidRailsConfigurationError": [lambda: rails(MODEL + STREAMED % "self check output")],
    "StreamingNotSupportedError": [lambda: rails(MODEL + "rails: {output: {flows: [raises]}}").stream("x")],
    "PluginLoadError": [lambda: rails(MODEL + STREAMED % "nowhere")],
    "PluginConflictError": [lambda: rails(MODEL + STREAMED % "secret check")],
    "InvalidArgumentError": [lambda: LLMRails("config")],  # type: ignore[arg-type]  # the mistake that is looked at
    "InvalidRequestError": [
        lambda: rails(MODEL).generate("x", messages=[]),
        lambda: rails(MODEL).generate(messages=[{"role": "usr", "content": "x"}]),
    ],
    "RailsClosedError": [closed],
    "TimedOut": [lambda: rails(HANGS).generate("x", timeout=0.01)],
    "ModelUnavailableError": [asked(breaker)],
    "StreamClosedError": [asked(not_entered), asked(entered_twice)],
    "RailError": [failed("raises")],
    "RailBusyError": [asked(too_many)],
    "RailTimeoutError": [failed("slow")],
    "PluginContractError": [failed("nonsense"), asked(forgotten)],
    "ContentError": [asked(no_json)],
    "ProviderError": [provider("server")],
    "ProviderAuthenticationError": [provider("authentication")],
    "ProviderRateLimitError": [provider("rate_limit")],
    "ProviderBadRequestError": [provider("bad_request")],
    "ProviderContextLengthError": [provider("context_length")],
    "ProviderTimeoutError": [provider("timeout")],
    "ProviderConnectionError": [provider("connection")],
    "ProviderServerError": [provider("server")],
    "ProviderContentFilterError": [provider("content_filter")],
    "AnswerTooLongError": [lambda: rails(MODEL + LIMITED).generate("x")],
    PYTHONS: [
        lambda: list(rails(MODEL).stream_async("x")),  # type: ignore[attr-defined]  # the mistake that is looked at
        asked(in_a_loop),
    ],
}


WORDED_BY_SERVICES = {title for title in CAUSES if title.startswith("Provider")}


def messages_below(title: str) -> list[str]:
    """Return the messages of a section, in their order."""
    section = re.split(r"^##+ ", PAGE.split(f"## {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^```text\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


def test_every_error_is_on_the_page():
    ours = {name: value for name, value in vars(errors).items() if getattr(value, "__module__", "") == errors.__name__}
    raised = {name for name, value in ours.items() if inspect.isclass(value) and issubclass(value, Exception)}
    assert set(CAUSES) - {PYTHONS} == raised - {"HandrailError", "PluginError"}


def test_every_code_of_a_problem_is_on_the_page():
    codes = re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE)
    assert sorted(codes) == sorted(get_args(errors.ProblemCode))


@pytest.mark.parametrize("title", CAUSES)
def test_each_message_is_what_is_raised(title: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NOPE_KEY", raising=False)
    shown, causes = messages_below(title), CAUSES[title]
    if title in WORDED_BY_SERVICES:
        shown = ["..."]
    assert len(shown) == len(causes)
    for message, cause in zip(shown, causes, strict=True):
        with pytest.raises(Exception) as caught:
            cause()
        error = caught.value
        if title == PYTHONS:
            assert matches(f"{type(error).__name__}: {error}", message)
        else:
            assert isinstance(error, (getattr(errors, title), Told))
            assert matches(str(error), message)
