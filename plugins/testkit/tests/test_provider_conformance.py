"""The conformance tests pass for a good provider, and each of them fails for a provider that breaks its rule."""

from __future__ import annotations

import textwrap

import pytest
from handrail_testkit import ProviderConformance

BAD = {
    "test_a_stream_is_an_async_iterator_that_needs_no_await": """
        async def stream(self, messages, params):
            return answer()
    """,
    "test_nothing_happens_before_the_first_chunk_is_asked_for": """
        def stream(self, messages, params):
            self.asked += 1
            return answer()
    """,
    "test_everything_given_is_a_chunk_with_parts_of_the_right_types": """
        async def stream(self, messages, params):
            yield Chunk(None)
            yield "text"
    """,
    "test_chunks_join_to_the_same_text_each_time": """
        async def stream(self, messages, params):
            self.asked += 1
            for text in ("a", str(self.asked)):
                yield Chunk(text)
    """,
    "test_the_reason_of_the_end_comes_once_and_after_all_text": """
        async def stream(self, messages, params):
            yield Chunk("a", finish_reason="stop")
            yield Chunk("b", finish_reason="stop")
    """,
    "test_usage_is_told_by_the_end": """
        async def stream(self, messages, params):
            yield Chunk("a")
    """,
    "test_arguments_are_left_as_they_were": """
        async def stream(self, messages, params):
            messages[0]["content"] = ""
            yield Chunk("a")
    """,
    "test_closing_early_stops_the_model_at_once": """
        def stream(self, messages, params):
            return Unclosable()
    """,
    "test_another_task_may_close_what_one_has_begun": """
        async def stream(self, messages, params):
            with anyio.CancelScope():
                yield Chunk("a")
                yield Chunk("b")
    """,
    "test_cancelling_while_the_model_is_awaited_stops_it": """
        async def stream(self, messages, params):
            self.busy = True
            await anyio.sleep(1000)
            yield Chunk("a")
    """,
    "test_a_provider_answers_again_after_a_stream_was_left": """
        async def stream(self, messages, params):
            self.asked += 1
            for text in ("a", "b") if self.asked < 3 else "x":
                yield Chunk(text)
    """,
    "test_streams_at_the_same_time_do_not_mix": """
        async def stream(self, messages, params):
            self.parts = []
            for text in "abc":
                self.parts.append(text)
                await anyio.lowlevel.checkpoint()
                yield Chunk("".join(self.parts))
    """,
    "test_closing_one_stream_leaves_another_alone": """
        async def stream(self, messages, params):
            self.open = True
            try:
                for text in "abc":
                    if not self.open:
                        return
                    yield Chunk(text)
            finally:
                self.open = False
    """,
    "test_a_failure_is_a_provider_error_that_names_the_engine": """
        async def stream(self, messages, params):
            yield Chunk("a")
            raise OSError("gone")
    """,
    "test_a_failed_stream_is_at_its_end": """
        def stream(self, messages, params):
            return Failing()
    """,
    "test_the_key_appears_nowhere": """
        def __repr__(self):
            return "<Bad with sk-secret>"
    """,
    "test_a_provider_can_be_closed_twice": """
        async def aclose(self):
            if self.closed:
                raise RuntimeError("closed already")
            self.closed = True
    """,
}

BAD_PROVIDER = """
    from __future__ import annotations

    import anyio
    import anyio.lowlevel
    import pytest

    from handrail import Chunk, Usage
    from handrail.errors import ProviderError
    from handrail_testkit import ProviderCase, ProviderConformance

    async def answer():
        yield Chunk("a")
        yield Chunk("b", usage=Usage(1, 2), finish_reason="stop")

    class Unclosable:
        def __aiter__(self):
            return self

        async def __anext__(self):
            await anyio.lowlevel.checkpoint()
            return Chunk("a")

        async def aclose(self):
            pass

    class Failing(Unclosable):
        async def __anext__(self):
            raise ProviderError("gone", engine="bad")

    class Good:
        asked = 0
        busy = closed = False

        def stream(self, messages, params):
            return answer()

    class Bad(Good):
        {method}

    class TestBad(ProviderConformance):
        @pytest.fixture
        def case(self):
            bad = Bad()
            return ProviderCase(
                provider=bad,
                failing=bad,
                secret="sk-secret",
                requests=lambda: bad.asked,
                is_idle=lambda: not bad.busy,
            )
"""


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("name", BAD)
def test_a_provider_that_breaks_the_rule_fails_its_test(pytester, name, anyio_backend):
    method = textwrap.indent(textwrap.dedent(BAD[name]).strip(), " " * 8).lstrip()
    pytester.makepyfile(textwrap.dedent(BAD_PROVIDER).replace("{method}", method))
    result = pytester.runpytest_inprocess("-k", f"{name} and asyncio", "-p", "no:cacheprovider")
    assert result.parseoutcomes().get("failed") == 1, name


def test_every_test_has_a_bad_provider_or_is_listed():
    """Cancelling the consumer of a generator is Python's own doing; a provider can only fail it by hanging."""
    tests = {name for name in dir(ProviderConformance) if name.startswith("test_")}
    assert tests - BAD.keys() == {"test_cancelling_the_consumer_stops_the_model"}


def test_a_test_cannot_be_overridden():
    with pytest.raises(TypeError, match=r"overrides test_usage_is_told_by_the_end .*'expected_failures'"):
        type("Cheat", (ProviderConformance,), {"test_usage_is_told_by_the_end": lambda self: None})


def test_an_expected_failure_is_no_failure_and_one_that_passes_is(pytester):
    source = textwrap.dedent(BAD_PROVIDER).replace("{method}", "pass")
    source += '    expected_failures = {"test_usage_is_told_by_the_end": "to be done"}\n'
    pytester.makepyfile(source)
    result = pytester.runpytest_inprocess("-k", "usage_is_told and asyncio", "-p", "no:cacheprovider")
    assert result.parseoutcomes().get("failed") == 1


def test_a_case_must_be_given(pytester):
    pytester.makepyfile(
        "from handrail_testkit import ProviderConformance\n\nclass TestNothing(ProviderConformance):\n    pass\n"
    )
    result = pytester.runpytest_inprocess("-k", "usage_is_told and asyncio", "-p", "no:cacheprovider")
    assert result.parseoutcomes().get("errors") == 1
    result.stdout.fnmatch_lines(["*override the fixture 'case'*"])
