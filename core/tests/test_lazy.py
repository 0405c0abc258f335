"""Names that are imported when they are first used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import handrail
import pytest


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "lazily"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from handrail.plugins import lazy_exports\n"
        '__version__ = "1"\n'
        '__getattr__, __dir__, __all__ = lazy_exports(__name__, {"_heavy": ("Rail", "Settings")})\n'
    )
    (folder / "_heavy.py").write_text("class Rail: ...\nclass Settings: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("lazily", "lazily._heavy"):
        sys.modules.pop(name, None)


def test_a_module_is_imported_when_one_of_its_names_is_used(package):
    import lazily

    assert "lazily._heavy" not in sys.modules
    assert dir(lazily) == lazily.__all__ == ["Rail", "Settings", "__version__"]
    assert lazily.Rail is sys.modules["lazily._heavy"].Rail
    assert vars(lazily)["Rail"] is lazily.Rail
    with pytest.raises(AttributeError, match="module 'lazily' has no attribute 'Rails'"):
        _ = lazily.Rails


def test_a_star_gives_all_of_them(package):
    found = {}
    exec("from lazily import *", found)
    assert {"Rail", "Settings", "__version__"} <= set(found)


def test_it_imports_nothing_but_the_standard_library():
    code = "import sys; before = set(sys.modules); import handrail._lazy; print(set(sys.modules) - before)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pluggy" not in found
    assert "pydantic" not in found


def test_every_public_name_of_the_kernel_is_where_it_is_looked_for():
    assert all(getattr(handrail, name) is not None for name in handrail.__all__)
    imports = (node for node in ast.walk(ast.parse(Path(handrail.__file__).read_text("utf-8"))) if public(node))
    typed = {alias.asname for node in imports for alias in node.names}
    assert typed == set(handrail.__all__) - {"__version__"}


def public(node):
    return isinstance(node, ast.ImportFrom) and any(alias.asname for alias in node.names)
