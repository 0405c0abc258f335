"""The page of each host whose environment this is does what it says, as its reader would do it."""

from __future__ import annotations

import os

import pytest
from pages import ROOT, session_of, snippets
from sessions import Session, own_environment

HOST = os.environ.get("HANDRAIL_HOST", "")
PAGES = [
    page for page in sorted((ROOT / "docs" / "hosts").glob("*.md")) if session_of(page) == f"the environment of {HOST}"
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_says_can_be_done(page, tmp_path):
    with Session(tmp_path, own_environment()) as session:
        session.follow(snippets(page))


def test_this_host_has_a_page():
    assert [page.stem for page in PAGES] == [HOST]
