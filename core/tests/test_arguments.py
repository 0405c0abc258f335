"""Whatever is public says what to pass where an argument is wrong; none ends in an error of Python's."""

from __future__ import annotations

import inspect
import traceback
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import handrail
import pytest
from handrail import batching, config, errors, files, plugins
from handrail.errors import HandrailError, InvalidArgumentError

WRONG = [None, 3, "x", b"x", object(), [], {}, (1, 2), 3.5, int, ["a", 3], {"a": 1}]
OF_PYTHON = (AttributeError, TypeError, KeyError, IndexError, NameError, AssertionError)
SOURCES = str(Path(handrail.__file__).parent)
FOR_RAILS = {"Turn.for_rail", "Window.span"}
"""What rails and the kernel call for every window or match, where looking at arguments would cost."""
OF_PYDANTIC = {"construct", "model_construct", "parse_obj", "validate", "from_orm", "model_validate"}
GUARDED = config.RailsConfig.from_content(config={"rails": {"output": {"streaming": {"enabled": True}}}})
OBJECTS = {
    "Registry": handrail.Registry(),
    "RailsConfig": GUARDED,
    "Registrations": handrail.Registrations(),
    "LLMRails": handrail.LLMRails(GUARDED, registry=handrail.Registry()),
    "Usage": handrail.Usage(),
    "Verdict": handrail.Verdict.allow(),
}
SYNCHRONOUS = {"check", "generate", "close", "stream_sync"}  # whose forms without a thread are looked at


def callables():
    """Yield everything public that can be called, by name."""
    for module in (handrail, batching, config, errors, files, plugins):
        for name in module.__all__ if hasattr(module, "__all__") else dir(module):
            value = getattr(module, name)
            if inspect.isclass(value) and not issubclass(value, BaseException) and not hasattr(value, "_is_protocol"):
                yield name, value
                yield from methods(name, value)
            elif inspect.isfunction(value):
                yield name, value


def methods(name, kind):
    for member in dir(kind):
        found = inspect.getattr_static(kind, member)
        if member.startswith("_") or member in OF_PYDANTIC | SYNCHRONOUS:
            continue
        if isinstance(found, classmethod | staticmethod):
            yield f"{name}.{member}", getattr(kind, member)
        elif inspect.isfunction(found) and name in OBJECTS and not inspect.iscoroutinefunction(found):
            yield f"{name}.{member}", getattr(OBJECTS[name], member)


CALLABLES = {name: value for name, value in callables() if name not in FOR_RAILS}


def error_of(call, *arguments):
    try:
        call(*arguments)
    except Exception as error:
        return error
    return None


def is_raw(error):
    """Return whether an error is Python's own, of code of ours that was given what it did not expect."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    ours = any(frame.filename.startswith(SOURCES) for frame in frames)
    return ours and isinstance(error, OF_PYTHON) and not isinstance(error, HandrailError)


@pytest.mark.parametrize("name", CALLABLES)
def test_a_wrong_argument_is_told_in_words_of_ours(name):
    call = CALLABLES[name]
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        parameters = [one for one in inspect.signature(call).parameters.values() if one.kind in kinds]
    except ValueError:  # of what is written in C
        parameters = []
    needed = sum(one.default is one.empty for one in parameters)
    raw = [
        f"{wrong!r}: {error!r}"
        for count in {needed, len(parameters)}
        for wrong in WRONG
        if (error := error_of(call, *[wrong] * count)) is not None and is_raw(error)
    ]
    assert raw == []


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: batching.Batcher(3), "judge takes a function.*not int"),
        (lambda: batching.BatchLimits(size="3"), "size takes a number, not str"),
        (lambda: handrail.Lock.read(3), "path takes a Path, not int"),
        (lambda: handrail.Verdict.rewrite(3), "edits takes a list of Edits, not int"),
        (lambda: handrail.LLMRails(GUARDED, registry=handrail.Registry), "not the class Registry"),
        (lambda: handrail.message_text("hello"), "a mapping with 'role' and 'content', not str"),
        (lambda: handrail.Registry(["cli"]), r"Registry.discover\(\).with_plugins"),
    ],
)
def test_the_error_is_of_this_library_and_one_of_pythons_too(call, words):
    with pytest.raises(InvalidArgumentError, match=words) as raised:
        call()
    assert isinstance(raised.value, TypeError)


class Provider:
    def stream(self, messages, params):
        raise AssertionError("it is not asked")


def test_a_class_that_needs_no_object_and_numbers_of_other_libraries_are_taken():
    class Static:
        @staticmethod
        async def stream(messages, params):
            yield handrail.Chunk("hi")

    assert handrail.LLMRails(GUARDED, llm=Static).config is GUARDED
    assert batching.BatchLimits(patience=Decimal("1.5"), wait=Fraction(1, 2)).patience == 1.5


@pytest.mark.parametrize("hand_over", [lambda llm: handrail.LLMRails(GUARDED, llm=llm), OBJECTS["LLMRails"].update_llm])
def test_a_class_in_the_place_of_a_provider_is_told_at_once(hand_over):
    with pytest.raises(errors.ConfigurationError, match=r"llm is the class 'Provider'; pass an object of it"):
        hand_over(Provider)


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("register_action", (3,)),
        ("register_action", (len, "")),
        ("register_action_param", (["a"], 1)),
        ("register_output_parser", ("x", "name")),
        ("register_output_parser", (len, None)),
        ("register_prompt_context", (None, 1)),
    ],
)
def test_what_cannot_be_registered_is_refused(method, arguments):
    with pytest.raises(errors.ConfigurationError, match="takes a function|must be text"):
        getattr(OBJECTS["LLMRails"], method)(*arguments)


def test_an_object_with_run_is_an_action():
    class Action:
        def run(self):
            return True

    handrail.Registrations().add_action(Action(), "mine")
