"""Every snippet of the README and the documentation runs, and prints what the pages say that it prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from distributions import wheels_of_members
from handrail import LLMRails, RailsConfig
from pages import PAGES, ROOT, not_run, session_of, snippets
from sessions import Session, fresh_environment, matches, own_environment, run_python
from virtual import VirtualLoop

EXAMPLES = ROOT / "docs" / "examples"
LONG = {
    "docs/howto/embedding.md",
    "docs/howto/provider.md",
    "docs/howto/strategy.md",
    "docs/howto/testing.md",
    "docs/howto/which-rail.md",
    "docs/tutorial.md",
}
LOOSE = [snippet for page in PAGES if session_of(page) is None for snippet in snippets(page)]
CONFIGURATIONS = [s for page in PAGES for s in snippets(page) if s.language == "yaml" and s.file is None]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def followed_in(where: str) -> pytest.MarkDecorator:
    """Have a test follow each page that is a session there; `make thorough` follows those that take long."""
    pages = [page for page in PAGES if session_of(page) == where]
    marked = [pytest.param(page, marks=[pytest.mark.heavy] if name(page) in LONG else []) for page in pages]
    return pytest.mark.parametrize("page", marked, ids=name)


@followed_in("an empty folder")
def test_what_a_page_says_can_be_done_in_an_empty_folder(page, tmp_path):
    with Session(tmp_path, own_environment()) as session:
        session.follow(snippets(page))


@followed_in("a fresh environment")
def test_what_a_page_says_can_be_done_with_nothing_but_the_wheels(page, tmp_path, tmp_path_factory):
    (folder := tmp_path / "folder").mkdir()
    with Session(folder, fresh_environment(wheels_of_members(tmp_path_factory), tmp_path)) as session:
        session.follow(snippets(page))


@pytest.mark.parametrize("page", dict.fromkeys(s.page for s in LOOSE if s.language == "python"), ids=name)
def test_python_snippets_of_a_page_run_in_order(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    namespace: dict[str, object] = {"__name__": "__main__"}
    printed = ""
    for snippet in LOOSE:
        if snippet.page == page and snippet.is_output:
            assert matches(printed, snippet.code), f"{snippet.place} is not what the Python before it prints\n{printed}"
        elif snippet.page == page and snippet.language == "python":
            printed = run_python(snippet, namespace, loop=VirtualLoop)


@pytest.mark.parametrize("snippet", CONFIGURATIONS, ids=lambda snippet: snippet.place)
def test_yaml_snippets_are_configurations(snippet, monkeypatch, tmp_path):
    """What has models is composed, too; the examples of plugins do so in their own tests, where they are installed."""
    config = RailsConfig.from_content(yaml_content=snippet.code)
    for model in config.models:
        monkeypatch.setenv(model.api_key_env_var or "OPENAI_API_KEY", "a key that nobody has")
    monkeypatch.chdir(tmp_path)
    if config.models and EXAMPLES not in snippet.page.parents:
        LLMRails(config)


@pytest.mark.parametrize("page", [page for page in PAGES if list(not_run(page))], ids=name)
def test_a_snippet_that_is_not_run_says_why_and_which_test_stands_in_for_it(page):
    for note, why, test in not_run(page):
        file, _, function = test.partition("::")
        assert why, f"{name(page)}: write '<!-- not run: WHY; tested: FILE::TEST -->', not {note!r}"
        assert re.search(rf"^(async )?def {function}\(", (ROOT / file).read_text("utf-8"), re.MULTILINE), note


def test_every_command_stands_on_a_page_that_is_followed_step_by_step():
    assert [snippet.place for snippet in LOOSE if snippet.language == "console"] == []


@pytest.mark.parametrize("page", [*PAGES, *sorted(ROOT.glob("p*/*/README.md"))], ids=name)
def test_links_of_a_page_lead_somewhere(page):
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    assert [link for link in targets if "://" not in link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize(
    ("found", "printed", "same"),
    [
        ("one\ntwo\n", "one\n  two", True),
        ("one two three\n", "one ... three", True),
        ("one two\n", "one", False),
        ("anything", "", True),
    ],
)
def test_an_output_is_compared_with_what_a_page_shows(found, printed, same):
    assert matches(found, printed) is same
