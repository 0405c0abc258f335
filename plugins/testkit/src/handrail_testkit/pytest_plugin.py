"""Fixtures for tests of plugins; pytest finds them where the package is installed."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
    from pathlib import Path

    from handrail_scripted import ScriptedProvider

    from handrail_testkit._certificates import Authority
    from handrail_testkit._clock import Backend
    from handrail_testkit._delivered import Delivered
    from handrail_testkit._oracle import OracleRail
    from handrail_testkit._server import ProtocolServer

_WITH_ASSERTIONS = (
    "_conformance",
    "_distribution_suite",
    "_host_suite",
    "_provider_suite",
    "_rail_suite",
    "_sessions",
    "_strategy_suite",
    "_stream_rail_suite",
    "_window_rail_suite",
)
pytest.register_assert_rewrite(*(f"handrail_testkit.{module}" for module in _WITH_ASSERTIONS))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a conformance test that fails what it proves, and how to fix what it found."""
    report = yield
    if call.excinfo is not None and (kind := getattr(item, "cls", None)) is not None:
        _remember_hang(item.config, kind, call.excinfo.value)
    function = getattr(item, "function", None)
    suite_tests = getattr(getattr(item, "cls", None), "suite_tests", ())
    if report.failed and function is not None and function.__name__ in suite_tests:
        report.sections.append(("what this test proves, and what to do", inspect.getdoc(function) or ""))
    return report


def _remember_hang(config: pytest.Config, kind: type, error: BaseException) -> None:
    from handrail_testkit._conformance import HANGS
    from handrail_testkit._watching import hang_in

    if hang := hang_in(error):
        config.stash.setdefault(HANGS, {})[kind] = str(hang)


@pytest.fixture
def scripted_model() -> Callable[..., ScriptedProvider]:
    """Make a model that gives these answers in turn: `scripted_model("Good morning.", tokens_per_second=20)`.

    It is passed as `LLMRails(config, llm=...)`, or offered as an engine: `registry.with_plugins(model.as_plugin())`.
    """
    from handrail_scripted import ScriptedProvider

    return ScriptedProvider.from_texts


@pytest.fixture
def stream_of() -> Callable[..., AsyncGenerator[str, None]]:
    """Return a text in pieces, as a model does: `rails.stream(generator=stream_of(text, split="characters"))`."""
    from handrail_testkit._pieces import stream_of

    return stream_of


@pytest.fixture
def delivered() -> Callable[..., Awaitable[Delivered]]:
    """Stream a guarded answer to its end, and give what was delivered: `await delivered(rails, "Hello")`."""
    from handrail_testkit._delivered import delivered

    return delivered


@pytest.fixture
def oracle_rail() -> Callable[..., OracleRail]:
    """Make a rail whose verdicts are known: `oracle_rail(["bomb"], latency=0.5)`."""
    from handrail_testkit._oracle import OracleRail

    return OracleRail


@pytest.fixture(params=["asyncio", "trio"])
def virtual_clock(request: pytest.FixtureRequest) -> Backend:
    """Event loops whose time jumps instead of passing. Let the fixture `anyio_backend` return it."""
    from handrail_testkit._clock import virtual_backend

    return virtual_backend(request.param)


@pytest.fixture
def protocol_server() -> Iterator[ProtocolServer]:
    """A server on this machine that speaks OpenAI's Chat Completions; set its answers with `will`."""
    from handrail_testkit._server import ProtocolServer

    with ProtocolServer() as server:
        yield server


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority that nobody trusts unless told to."""
    from handrail_testkit._certificates import Authority

    folder: Path = tmp_path_factory.mktemp("authority")
    return Authority.create(folder)
