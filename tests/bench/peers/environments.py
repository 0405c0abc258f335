"""The systems that are measured, and an environment for each: `.venvs/NAME`, made with uv from a package index."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
_HOME = ROOT / ".venvs"
_CONSTRAINTS = ROOT / "constraints.txt"

# Nobody's telemetry, and no look-ups of models and prices, in a measurement.
QUIET = {
    "ANONYMIZED_TELEMETRY": "false",
    "DO_NOT_TRACK": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "OTEL_SDK_DISABLED": "true",
    "PYTHONWARNINGS": "ignore",
}


@dataclass(frozen=True)
class System:
    """One way to guard a stream.

    Attributes:
        key: the module below `systems`.
        title: its name in tables.
        environment: the folder below `.venvs`.
        requirements: what is installed there.
        distribution: whose version is shown; empty for none.
        imported: the statement with which an application imports it.
        remark: what a reader must know of its settings.
    """

    key: str
    title: str
    environment: str
    requirements: tuple[str, ...]
    distribution: str
    imported: str
    remark: str


_NEMO = ("nemoguardrails", ("nemoguardrails>=0.24,<0.25",), "nemoguardrails")
_LITELLM = ("litellm", ("litellm[proxy]>=1.106",), "litellm")
_LITELLM_HOOK = (
    "from litellm.proxy.guardrails.guardrail_hooks.unified_guardrail.unified_guardrail import UnifiedLLMGuardrails"
)
_HANDRAIL = ("handrail", (f"--editable={ROOT / 'core'}", f"--editable={ROOT / 'plugins/strategies'}"), "handrail")

SYSTEMS = (
    System("bare", "no guard", *_HANDRAIL[:2], "", "import asyncio", "the provider's stream, read directly: the limit"),
    System(
        "handrail",
        "Handrail",
        *_HANDRAIL,
        "from handrail import LLMRails, RailsConfig",
        "windows of 20 tokens, overlap 5",
    ),
    System(
        "nemo_llmrails",
        "NeMo LLMRails",
        *_NEMO,
        "from nemoguardrails import LLMRails, RailsConfig",
        "windows of 20 tokens, overlap 5, `parallel: true`, `stream_first: false`",
    ),
    System(
        "nemo_generator",
        "NeMo LLMRails, `generator=`",
        *_NEMO,
        "from nemoguardrails import LLMRails, RailsConfig",
        "the same, over a ready stream, past its own handling of models",
    ),
    System(
        "nemo_iorails",
        "NeMo IORails",
        *_NEMO,
        "from nemoguardrails import Guardrails, RailsConfig",
        "the same windows; content safety rails whose models are answered in process",
    ),
    System(
        "guardrails_ai",
        "Guardrails AI",
        "guardrails-ai",
        ("guardrails-ai>=0.11,<0.12",),
        "guardrails-ai",
        "from guardrails import AsyncGuard",
        "by the sentence, `on_fail=exception`; validators run in threads",
    ),
    System(
        "openai_guardrails",
        "OpenAI Guardrails",
        "openai-guardrails",
        ("openai-guardrails>=0.3.6,<0.4",),
        "openai-guardrails",
        "from guardrails import GuardrailsAsyncOpenAI",
        "text goes out at once; checks of the whole text after every 100 tokens and at the end",
    ),
    System(
        "litellm_hook",
        "LiteLLM hook",
        *_LITELLM,
        _LITELLM_HOOK,
        "as it is by default: the whole text after every 5 tokens",
    ),
    System(
        "litellm_hold",
        "LiteLLM hook, holding",
        *_LITELLM,
        _LITELLM_HOOK,
        "held until scanned, after every 15 tokens",
    ),
)


class MissingError(Exception):
    """An environment is not there and could not be made."""


def python_of(system: System) -> Path:
    """Return the interpreter of a system's environment."""
    return _HOME / system.environment / "bin" / "python"


def make_environment(system: System) -> None:
    """Make a system's environment, if it is not there yet.

    Raises:
        MissingError: it cannot be installed; the message has the installer's last words.
    """
    mark = _HOME / system.environment / ".requirements"
    wanted = "\n".join(system.requirements)
    if mark.is_file() and mark.read_text() == wanted:
        return
    python = python_of(system)
    if not python.exists():
        _uv("venv", "--python", str(ROOT / ".venv" / "bin" / "python"), str(python.parents[1]))
    _uv(
        "pip",
        "install",
        *("--python", str(python), "--constraint", str(_CONSTRAINTS), "--compile-bytecode"),
        *system.requirements,
    )
    mark.write_text(wanted)


def version_of(system: System) -> str:
    """Return the version that is installed."""
    if not system.distribution:
        return ""
    code = f"from importlib.metadata import version; print(version({system.distribution!r}))"
    return _output(system, code)


def import_seconds(system: System) -> float:
    """Return the processor's seconds that a fresh interpreter takes to import the system, beyond its own start."""
    measure = "import json, time; start = time.process_time(); {}; print(json.dumps(time.process_time() - start))"
    return min(float(json.loads(_output(system, measure.format(system.imported)))) for _ in range(3))


def _output(system: System, code: str) -> str:
    command = [str(python_of(system)), "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | QUIET, check=False)
    if done.returncode:
        raise MissingError(f"{system.title}: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout.strip().splitlines()[-1]


def _uv(*arguments: str) -> None:
    beside = ROOT / ".venv" / "bin" / "uv"
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        raise MissingError("uv is not installed; `make install` brings it")
    links = os.environ.get("UV_FIND_LINKS") or os.environ.get("PIP_FIND_LINKS", "")
    environment = os.environ | {"UV_FIND_LINKS": links}
    done = subprocess.run([uv, *arguments], capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise MissingError(done.stderr.strip()[-300:])
