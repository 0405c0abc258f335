"""`make demo`: guarded answers, and what guarding them costs. Needs no key and no network."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import anyio
import yaml
from handrail import GenerationResponse, HandrailError, LLMRails, RailsConfig
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
)


@dataclass
class Unguarded:
    """The same question without output rails."""

    response: GenerationResponse | None = None
    seconds: float = 0.0

    async def run(self, rails: LLMRails, question: str) -> None:
        """Ask, show nothing, and measure."""
        started = perf_counter()
        async with rails.stream(question) as stream:
            async for _ in stream:
                pass
        self.seconds, self.response = perf_counter() - started, stream.response


async def play(part: Part, notes: Notes) -> bool:
    """Show a part while the same question is answered without rails; tell whether it ended as it must."""
    notes.plain(f"\n{part.title}", "bold cyan")
    notes.plain(f"> {part.question}\n", "bold")
    folder, bare = EXAMPLES / part.example, Unguarded()
    with TemporaryDirectory() as temporary:
        unguarded = LLMRails(without_rails(folder, Path(temporary)))
        async with LLMRails(RailsConfig.from_path(folder)) as guarded, unguarded, anyio.create_task_group() as tasks:
            tasks.start_soon(bare.run, unguarded, part.question)
            answer = await show_answer(guarded.stream(part.question), Screen(notes=notes))
            if bare.response is None:
                notes.plain("(The unguarded model is still talking, unseen, so that its time can be measured.)", "dim")
    notes.plain("\n".join(["", *figures(answer, bare)]), "green")
    return answer.response.outcome == part.outcome


def figures(answer: Answer, bare: Unguarded) -> list[str]:
    """Write what was measured, a line each."""
    checks = answer.response.rail_runs
    mean = sum(run.duration for run in checks) / len(checks) if checks else 0.0
    said = len(bare.response.text) if bare.response else 0
    first = "none" if answer.seconds_to_text is None else f"{answer.seconds_to_text:.2f} s"
    return [
        f"time to first text  {first}",
        f"total time          {answer.seconds:.2f} s",
        f"time without rails  {bare.seconds:.2f} s",
        f"number of checks    {len(checks)}, of {mean:.2f} s each",
        f"delivered           {len(answer.response.text):,} of {said:,} characters",
    ]


def without_rails(folder: Path, temporary: Path) -> RailsConfig:
    """Give an example's configuration with its models and without its rails, from a copy in a temporary folder."""
    copy = Path(shutil.copytree(folder, temporary / folder.name))
    for file in copy.rglob("*.yml"):
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        if isinstance(content, dict) and content.pop("rails", None):
            file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return RailsConfig.from_path(copy)


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
