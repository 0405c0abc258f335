"""Serves configurations by `handrail server`, as an operator does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any


@contextmanager
def served(configurations: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Serve the configurations, and yield the address."""
    with tempfile.TemporaryDirectory() as folder:
        for name, values in configurations.items():
            (place := Path(folder) / name).mkdir()
            (place / "config.yml").write_text(json.dumps(values), encoding="utf-8")
        command = [sys.executable, "-m", "handrail_cli.app", "server", folder, "--port", "0"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            said = next(line for line in process.stderr if "listening at" in line)
            drain = Thread(target=deque, args=(process.stderr, 0))  # the server waits for whoever reads its log
            drain.start()
            try:
                yield re.search(r"http://\S+", said)[0]  # type: ignore[index]  # the line has an address
            finally:
                process.terminate()
                drain.join()
