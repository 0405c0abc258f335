"""What the command is asked for, in the groups in which its help shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Annotated, TypeAlias

from cyclopts import Group, Parameter
from handrail import ConfigurationError

Several: TypeAlias = Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)]
Flag: TypeAlias = Annotated[bool, Parameter(negative=(), show_default=False)]


@Parameter(name="*", group=Group("Data", sort_key=1))
@dataclass(frozen=True, slots=True, kw_only=True)
class DataOptions:
    """Which rows are judged.

    Attributes:
        map: Which column is which field: 'response=answer,label=score>0.5', quoted, for a shell reads > itself.
        preset: A known shape of data: pyrit, chat, wildguard or beavertails.
        labels: A record of decisions whose marks are labels, of the rows with the ids of its calls.
        limit: Judge the first rows only.
        sample: Judge so many rows, drawn by the seed.
    """

    map: Several = ()
    preset: str | None = None
    labels: Path | None = None
    limit: int | None = None
    sample: int | None = None


@Parameter(name="*", group=Group("Streams", sort_key=2))
@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions:
    """How an answer is replayed.

    Attributes:
        seed: Decides what is drawn, how answers are cut, and how regularly pieces come.
        pace: Tokens per second of the model.
        first_token: Seconds before its first token.
        no_whole: Judge answers as streams only.
    """

    seed: int = 0
    pace: float = 50.0
    first_token: float = 0.3
    no_whole: Flag = False


@Parameter(name="*", group=Group("Judging", sort_key=3))
@dataclass(frozen=True, slots=True, kw_only=True)
class JudgingOptions:
    """Who judges, and how much at once.

    Attributes:
        concurrency: Rows at once, and checks of one rail at once, where rails are waited for.
        processes: Processes where rails are not waited for; by default one a processor.
        engine: Who judges: local is this machine; ray, of handrail-ray, a cluster.
        cache: A file with answers of judges that are known; it is made, and grows.
        ask_all: Ask judges of cascades about windows that 'when' spares them, too, to see what they miss.
    """

    concurrency: int = 32
    processes: int = 0
    engine: str = "local"
    cache: Path | None = None
    ask_all: Flag = False


@Parameter(name="*", group=Group("Results", sort_key=4))
@dataclass(frozen=True, slots=True, kw_only=True)
class ResultOptions:
    """What is written.

    Attributes:
        out: The folder of the run.
        no_texts: Write no texts: no answers, no reasons of rails, no messages of errors.
        parquet: Write OUT/verdicts.parquet, too: a line for each row, without texts.
        prices: A JSON file with the price of a million tokens in and out: {"MODEL": [0.15, 0.6]}.
        summary: Write the figures as Markdown to another place, too.
    """

    out: Path = Path("handrail-eval")
    no_texts: Flag = False
    parquet: Flag = False
    prices: Path | None = None
    summary: Path | None = None


@Parameter(name="*", group=Group("Builds", sort_key=5))
@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """What fails a build.

    Attributes:
        fail_if: A condition that fails the build: "false_stops > 0.01".
        baseline: A figures.json of an earlier run; the build fails if figures are worse.
        junit: Write the conditions as JUnit XML.
    """

    fail_if: Several = ()
    baseline: Path | None = None
    junit: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """All that the command is asked for.

    Attributes:
        config: a folder with a configuration, or its file.
        paths: files with rows, and folders of them.
    """

    config: Path
    paths: tuple[Path, ...]
    data: DataOptions = field(default_factory=DataOptions)
    streams: StreamOptions = field(default_factory=StreamOptions)
    judging: JudgingOptions = field(default_factory=JudgingOptions)
    results: ResultOptions = field(default_factory=ResultOptions)
    builds: BuildOptions = field(default_factory=BuildOptions)


def refuse_nonsense(asked: Asked) -> None:
    """Check what is asked for, before anything is read.

    Raises:
        ConfigurationError: a number is outside its range, or the configuration does not exist.
    """
    data, streams, judging = asked.data, asked.streams, asked.judging
    for name, value, least in (
        ("limit", data.limit, 1),
        ("sample", data.sample, 1),
        ("concurrency", judging.concurrency, 1),
        ("processes", judging.processes, 0),
    ):
        if value is not None and value < least:
            raise ConfigurationError(f"--{name} is {value}; it must be at least {least}")
    if not 0 < streams.pace < inf or not 0 <= streams.first_token < inf:
        raise ConfigurationError("--pace must be above 0, --first-token at least 0, and neither without an end")
    if not asked.config.exists():
        raise ConfigurationError(f"{asked.config} does not exist")
