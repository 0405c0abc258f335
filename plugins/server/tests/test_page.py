"""The playground in a real browser."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

PICTURE = Path(__file__).parents[3] / "docs" / "images" / "playground.png"


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "chromium is missing; 'make tools' installs it"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(params=["light", "dark"])
def page(browser, real_server, request):
    context = browser.new_context(color_scheme=request.param, viewport={"width": 1200, "height": 770})
    opened = context.new_page()
    opened.problems = []
    opened.scheme = request.param
    opened.on("pageerror", lambda error: opened.problems.append(str(error)))
    opened.goto(real_server.url)
    opened.get_by_label("API key").fill("right-key")
    opened.get_by_label("API key").press("Tab")
    expect(opened.get_by_label("Configuration").locator("option")).to_have_count(8)
    yield opened
    assert opened.problems == []
    context.close()


def choose(page, name):
    page.get_by_label("Configuration").select_option(name)


def test_answer_streams_and_numbers_are_shown(page):
    choose(page, "plain")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#answer")).to_have_text("Hello there.")
    expect(page.locator("#verdict")).to_contain_text("No rail was asked")
    expect(page.locator("#completion")).to_have_text(re.compile(r"^\d+$"))


def test_held_text_is_grey_blocks_and_a_block_says_which_rail_and_why(page):
    choose(page, "guarded")
    page.get_by_role("button", name="Ask").click()
    held = page.locator("#answer .held")
    expect(held).to_be_visible()
    assert set(held.inner_text()) <= {"x", " "}
    expect(page.locator(".lane .check").nth(2)).to_be_attached(timeout=20_000)
    if os.environ.get("HANDRAIL_PICTURES") and page.scheme == "light":
        PICTURE.parent.mkdir(exist_ok=True)
        page.screenshot(path=PICTURE)
    expect(page.locator("#verdict")).to_contain_text("self check output stopped the answer", timeout=30_000)
    expect(page.locator(".lane .name")).to_have_text("output: self check output")
    expect(page.locator(".lane .check.block")).to_be_attached()
    expect(page.locator("#state")).to_have_text("blocked")
    expect(page.locator("#notes")).not_to_contain_text("cancelled")  # no verdict of a rail, but its end
    assert page.locator("#waiting path").get_attribute("d").count("V") > 3  # how much was held, over time
    assert "xyzzy" not in page.locator("body").inner_text()
    assert "could object" in page.locator("#answer").inner_text()


def test_redaction_says_which_rail_and_what(page):
    choose(page, "masked")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#answer")).to_have_text("Write to [EMAIL] for more.")
    expect(page.locator("#verdict")).to_contain_text("Every character was cleared")
    expect(page.locator("#notes")).to_contain_text("personal data check redacted")
    expect(page.locator(".lane .check.rewrite")).to_be_attached()
    assert "anna" not in page.locator("main").inner_text()


def test_tool_calls_are_shown(page):
    choose(page, "tools")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_label("Tool calls")).to_contain_text('get_weather {"city": "Lisbon"}')


def test_a_hold_is_told_while_the_first_window_is_held(page):
    choose(page, "guarded")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#state")).to_contain_text("holding")
    expect(page.locator("#first")).to_have_text("–")
    expect(page.locator("#verdict")).to_contain_text("stopped the answer", timeout=30_000)


def test_everything_works_by_keyboard(page):
    choose(page, "guarded")
    page.get_by_label("Message").focus()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("button", name="Stop")).to_be_enabled()
    page.keyboard.press("Escape")
    expect(page.locator("#verdict")).to_contain_text("Stopped by you")
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()


def test_what_a_model_or_server_says_is_text_and_never_html(page):
    page.get_by_label("API key").fill("<img src=x onerror=alert(1)>")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#verdict")).to_contain_text("No API key, or a wrong one")
    assert page.locator("main img").count() == 0


def test_colours_follow_the_system_and_every_field_has_a_label(page):
    red, green, blue = map(int, re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor")))
    assert (red + green + blue > 600) == (page.scheme == "light")
    unlabelled = (
        "[...document.querySelectorAll('input,select,textarea')].filter((field) => !field.labels.length).length"
    )
    assert page.evaluate(unlabelled) == 0


def test_page_of_the_protocol_lists_every_path(page, real_server):
    page.goto(f"{real_server.url}/docs")
    for key in ("wrong-key", "right-key"):  # a wrong one is asked for again
        page.get_by_label("API key").fill(key)
        page.get_by_label("API key").press("Tab")
    for path in ("/v1/chat/completions", "/v1/checks", "/v1/models", "/metrics"):
        expect(page.get_by_text(path, exact=True).first).to_be_visible()
