"""What hangs fails, says where it is, and is tried once; what a failed rail has raised is shown."""

from __future__ import annotations

import gc
import itertools
import signal
import sys
import textwrap
import time
from weakref import WeakSet

import pytest
from handrail_testkit import WindowRailConformance, _watching
from handrail_testkit._watching import TICKS, HungError, hang_in, patience, watchdog

RAIL = """
    import threading
    import anyio
    import pytest
    from handrail import Registry, Verdict
    from handrail.plugins import RailSpec, hookimpl
    from handrail_testkit import RailCase, WindowRailConformance

    LOCK = threading.Lock()
    LOCK.acquire()

    @pytest.fixture
    def anyio_backend():
        return {backend!r}

    class Rail:
        def __init__(self, settings, context):
            pass

        {check}

    class Plugin:
        @hookimpl
        def handrail_rails(self):
            yield RailSpec("bad rail", Rail)

    class TestRail(WindowRailConformance):
        @pytest.fixture
        def case(self):
            registry = Registry.discover().with_plugins(Plugin())
            return RailCase("bad rail", allows=["good"], blocks=["evil"], registry=registry, patience=0.1)
"""

STRATEGY = """
    import signal
    import pytest
    from handrail import Registry
    from handrail.plugins import StrategySpec, hookimpl
    from handrail_testkit import StrategyCase, StrategyConformance
    from handrail_testkit._watching import TICKS

    class Strategy:
        def __init__(self, settings, count_tokens):
            pass

        def feed(self, text):
            pass

        finish = lambda self: None

        def window(self):
            assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 20 / TICKS
            for _ in range(TICKS):  # the time has come
                signal.raise_signal(signal.SIGALRM)
            while True: pass

    class Plugin:
        @hookimpl
        def handrail_strategies(self):
            yield StrategySpec("endless", Strategy)

    class TestEndless(StrategyConformance):
        standstill = 20

        @pytest.fixture
        def case(self):
            return StrategyCase("endless", registry=Registry.discover().with_plugins(Plugin()))
"""

CHECKS = {
    "waits": "async def check(self, window, turn): await anyio.sleep_forever()",
    "computes": "async def check(self, window, turn):\n            while True: pass",
    "computes in a plain function": "def check(self, window, turn):\n            while True: pass",
    "waits for a lock of threads": "def check(self, window, turn): LOCK.acquire()",
    "catches what it can": """async def check(self, window, turn):
            while True:
                try: LOCK.acquire()
                except Exception: pass""",
}


@pytest.fixture
def run(pytester):
    """Run the suite over a rail; return the result."""

    def run(check: str, backend: str):
        pytester.makepyfile(textwrap.dedent(RAIL.format(check=check, backend=backend)))
        return pytester.runpytest_inprocess("-p", "no:cacheprovider")

    return run


@pytest.mark.parametrize(
    ("check", "backend"),
    [
        pytest.param(check, backend, id=f"{name}-{backend}", marks=[pytest.mark.heavy] if number % 2 else [])
        for number, (backend, (name, check)) in enumerate(itertools.product(["asyncio", "trio"], CHECKS.items()))
    ],
)
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
def test_a_rail_that_hangs_fails_and_is_tried_once(run, check, backend, anyio_backend):
    result = run(check, backend)
    counted = result.parseoutcomes()
    assert counted["failed"] == 1
    assert counted["errors"] >= len(WindowRailConformance.suite_tests) - 2  # one test asks no rail, and may be quick
    result.stdout.fnmatch_lines(["*not tried, because it hung before: *", "*HungError: *"])


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
def test_the_place_where_a_thread_is_held_is_shown(run, anyio_backend):
    result = run(CHECKS["waits for a lock of threads"], "asyncio")
    result.stdout.fnmatch_lines(["*LOCK.acquire()*"])


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
def test_what_a_failed_rail_has_raised_is_shown(run, anyio_backend):
    result = run("async def check(self, window, turn): raise LookupError('no such list')", "asyncio")
    result.stdout.fnmatch_lines(["*the rail failed: *", "*in check*", "*LookupError: no such list*"])


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
def test_a_strategy_that_never_ends_fails_and_is_tried_once(pytester, anyio_backend):
    pytester.makepyfile(textwrap.dedent(STRATEGY))
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-k", "windows")
    counted = result.parseoutcomes()
    assert counted["failed"] == 1
    assert counted["errors"] >= 1
    result.stdout.fnmatch_lines(["*signal.raise_signal(signal.SIGALRM)*"])


@pytest.mark.anyio
async def test_patience_leaves_errors_as_they_are():
    with pytest.raises(TimeoutError, match="its own"), patience(1000, "the rail"):
        raise TimeoutError("its own")


def test_a_process_that_was_stopped_with_its_machine_is_not_taken_for_one_that_hangs():
    """A timer that expires while nothing runs rings once, however long that was."""
    with watchdog(1000):
        _ring(TICKS - 1)
    with pytest.raises(HungError, match="raise_signal"), watchdog(1000):
        _ring(TICKS)


def test_an_alarm_that_was_set_before_goes_on():
    rung = []
    handler = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 1000)
        with watchdog(500):
            assert signal.getitimer(signal.ITIMER_REAL)[0] <= 500 / TICKS
        assert 500 < signal.getitimer(signal.ITIMER_REAL)[0] <= 1000
        signal.raise_signal(signal.SIGALRM)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
    assert rung == [1]


def _ring(times: int) -> None:
    for _ in range(times):
        signal.raise_signal(signal.SIGALRM)


@pytest.fixture
def lost(monkeypatch):
    """Alarms that Python could only print."""
    errors: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda error: errors.append(error.exc_type))
    return lambda: errors.count(_watching._Interruption)


def _collect(rings: int) -> None:
    def callback(phase: str, info: dict[str, int]) -> None:  # noqa: ARG001
        if phase == "stop":
            _ring(rings)

    gc.callbacks.append(callback)
    try:
        gc.collect(0)
    finally:
        gc.callbacks.remove(callback)


def _finalize(rings: int) -> None:
    class Finalized:
        def __del__(self):
            _ring(rings)

    Finalized()


def _forget(rings: int) -> None:
    class Removals(list):
        def append(self, item):
            _ring(rings)

    kept, one = WeakSet(), Forgotten()
    kept.add(one)
    kept._iterating, kept._pending_removals = {1}, Removals()
    del one


class Forgotten:
    pass


LOSES = pytest.mark.parametrize("loses", [_collect, _finalize, _forget])


@LOSES
def test_an_alarm_that_nobody_would_hear_is_put_off(loses, lost, monkeypatch):
    monkeypatch.setattr(_watching, "SOON", 100)
    with watchdog(1000):
        loses(TICKS)
    assert lost() == 0


@LOSES
def test_what_hangs_after_an_alarm_that_was_put_off_is_interrupted(loses, lost):
    def hang() -> None:
        loses(TICKS)
        time.sleep(30)

    with pytest.raises(HungError, match="in hang"), watchdog(1000):
        hang()
    assert lost() == 0


@LOSES
def test_what_never_ends_where_errors_are_lost_is_interrupted(loses, lost, monkeypatch):
    monkeypatch.setattr(_watching, "PUT_OFF", 2)
    with pytest.raises(HungError, match="held"), watchdog(1000):
        loses(TICKS + 10)
    assert lost() == 1


def test_a_hang_is_found_in_a_group_of_errors():
    hang = HungError("it hangs")
    assert hang_in(BaseExceptionGroup("", [ValueError(), BaseExceptionGroup("", [hang])])) is hang
    assert hang_in(ExceptionGroup("", [ValueError()])) is None
