"""What all suites of conformance tests have in common: tests that no subclass can take out of the way."""

# ruff: noqa: S101  # these are tests, which authors of plugins run

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings

from handrail_testkit._watching import STANDSTILL, watchdog

EXAMPLES = int(os.environ.get("HANDRAIL_EXAMPLES", "20"))
"""How many random examples each property is tried with."""

HANGS: pytest.StashKey[dict[type, str]] = pytest.StashKey()
"""What hung in a class of tests; the rest of it would hang, too."""

thorough = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],  # rails may be slow, and texts long
)


@pytest.mark.anyio
class Conformance:
    """A suite of tests. Whoever subclasses a suite says what is tested, and overrides no test."""

    expected_failures: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Names of tests that cannot pass yet, and why. One that passes after all is a failure."""

    standstill: ClassVar[float] = STANDSTILL
    """Seconds for which a test may hold the thread; it fails then, and what is left of the class with it."""

    suite_tests: ClassVar[frozenset[str]] = frozenset()
    """Names of the suite's tests."""

    def __init_subclass__(cls, *, suite: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = {name for name in vars(cls) if name.startswith("test_")}
        if overridden := sorted(own & cls.suite_tests):
            raise TypeError(
                f"{cls.__name__} overrides {', '.join(overridden)} of the conformance tests; name a test that "
                f"cannot pass yet in 'expected_failures', with the reason"
            )
        if suite:
            cls.suite_tests |= own

    @pytest.fixture(autouse=True)
    def _expect_failures(self, request: pytest.FixtureRequest) -> None:
        unknown = sorted(set(self.expected_failures) - self.suite_tests)
        assert not unknown, f"'expected_failures' names no test of the conformance suite: {', '.join(unknown)}"
        if reason := self.expected_failures.get(request.node.originalname):
            request.applymarker(pytest.mark.xfail(reason=reason, strict=True))

    @pytest.fixture(autouse=True)
    def _watch(self, request: pytest.FixtureRequest) -> Iterator[None]:
        if hang := request.config.stash.get(HANGS, {}).get(request.cls):
            pytest.fail(f"not tried, because it hung before: {hang}", pytrace=False)
        with watchdog(self.standstill):
            yield
