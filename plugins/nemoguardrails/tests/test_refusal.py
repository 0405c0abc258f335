from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

OTHER = """
Metadata-Version: 2.4
Name: nemoguardrails
Version: 0.24.1
""".lstrip()


def test_beside_the_other_package_the_import_is_refused_and_says_how_to_choose(tmp_path):
    """The other package's metadata is enough: its files have the names of ours, so these are mixed."""
    folder = tmp_path / "nemoguardrails-0.24.1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(OTHER, "utf-8")
    run = partial(subprocess.run, capture_output=True, text=True, timeout=300, check=False)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = run([sys.executable, "-c", "from nemoguardrails import LLMRails"], env=environment)
    assert done.returncode == 1
    assert "handrail-nemoguardrails, and nemoguardrails 0.24.1, so their files are mixed" in done.stderr
    assert "pip uninstall -y nemoguardrails handrail-nemoguardrails" in done.stderr
    listed = run([Path(sys.executable).with_name("handrail"), "plugins"], env=environment).stdout
    assert "BROKEN    ImportError: two packages are installed whose import name is 'nemoguardrails'" in listed
