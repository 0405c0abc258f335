"""`make demo`: guarded answers, and what guarding them costs. Needs no key and no network."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import anyio
from handrail import HandrailError, LLMRails, RailsConfig, TextDelta
from handrail_cli import Answer, Notes, Screen, notes_console, print_error, show_answer

EXAMPLES = Path(__file__).parent


@dataclass(frozen=True)
class Part:
    """One question to one of the examples.

    Attributes:
        title: what there is to see.
        example: the folder of its configuration, beside this file.
        question: what is asked.
        outcome: how the answer must end.
    """

    title: str
    example: str
    question: str
    outcome: str = "finished"


PARTS = (
    Part("An answer that may pass", "quickstart", "How should I plan a trip to Lisbon?"),
    Part("An answer that turns harmful", "quickstart", "How do I clean a really greasy kitchen?", "blocked"),
    Part("Personal data in mid-stream", "patterns", "Where is the order?"),
    Part("A real model, very small, guarded for personal data", "tiny", "Hello! Can you give me a recipe for soup?"),
)


@dataclass
class Unguarded:
    """The same question to the same model, without output rails."""

    characters: int = 0
    seconds: float | None = None

    async def run(self, rails: LLMRails, question: str) -> None:
        """Ask, show nothing, and measure."""
        started = perf_counter()
        async with rails.stream(question, options={"rails": {"output": False}}) as stream:
            async for event in stream:
                self.characters += len(event.text) if isinstance(event, TextDelta) else 0
        self.seconds = perf_counter() - started


async def play(part: Part, notes: Notes) -> bool:
    """Show a part while the same question is answered without rails; tell whether it ended as it must."""
    notes.plain(f"\n{part.title}", "bold cyan")
    notes.plain(f"> {part.question}\n", "bold")
    bare = Unguarded()
    async with LLMRails(RailsConfig.from_path(EXAMPLES / part.example)) as rails, anyio.create_task_group() as tasks:
        tasks.start_soon(bare.run, rails, part.question)
        answer = await show_answer(rails.stream(part.question), Screen(notes=notes))
        if bare.seconds is None:
            notes.plain("(The unguarded model is still talking, unseen, so that its time can be measured.)", "dim")
    notes.plain("\n".join(["", *figures(answer, bare)]), "green")
    return answer.response.outcome == part.outcome


def figures(answer: Answer, bare: Unguarded) -> list[str]:
    """Write what was measured, a line each."""
    checks = answer.response.rail_runs
    mean = sum(run.duration for run in checks) / len(checks) if checks else 0.0
    first = "none" if answer.seconds_to_text is None else f"{answer.seconds_to_text:.2f} s"
    return [
        f"time to first text  {first}",
        f"total time          {answer.seconds:.2f} s",
        f"time without rails  {bare.seconds:.2f} s",
        f"number of checks    {len(checks)}, {f'of {mean:.2f} s each' if mean else 'which cost no wait'}",
        f"delivered           {len(answer.response.text):,} of {bare.characters:,} characters",
    ]


async def main() -> int:
    """Play every part."""
    notes = Notes(notes_console(sys.stdout))
    as_they_must = [await play(part, notes) for part in PARTS]
    notes.plain("\nNow you: `make chat`, or `handrail chat docs/examples/quickstart --streaming --verbose`.", "dim")
    return 0 if all(as_they_must) else 1


if __name__ == "__main__":
    try:
        sys.exit(anyio.run(main))
    except HandrailError as error:
        print_error(error)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
