"""The playground in a real browser."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

LONGEST = 300_000  # milliseconds; only a test that fails waits so long
expect.set_options(timeout=LONGEST)
PICTURES = Path(__file__).parents[3] / "docs" / "images"


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "chromium is missing; 'make tools' installs it"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"], timeout=LONGEST)
        yield started
        started.close()


@pytest.fixture(params=["light", pytest.param("dark", marks=pytest.mark.heavy)])
def page(browser, real_server, request):
    context = browser.new_context(color_scheme=request.param, viewport={"width": 1200, "height": 770})
    context.set_default_timeout(LONGEST)
    opened = context.new_page()
    opened.problems = []
    opened.scheme = request.param
    opened.on("pageerror", lambda error: opened.problems.append(str(error)))
    opened.goto(real_server.url)
    opened.get_by_label("API key").fill("right-key")
    opened.get_by_label("API key").press("Tab")
    expect(opened.get_by_label("Configuration").locator("option")).to_have_count(12)
    yield opened
    assert opened.problems == []
    context.close()


in_both = pytest.mark.parametrize("page", ["light", "dark"], indirect=True)


def choose(page, name):
    page.get_by_label("Configuration").select_option(name)


WATCH = """() => {
  window.watched = []
  const visible = element => element.offsetWidth > 0 && getComputedStyle(element).visibility === "visible"
  const text = selector => document.querySelector(selector).textContent
  new MutationObserver(() => watched.push({
    held: [...document.querySelectorAll("#answer .held")].filter(visible).map(held => held.innerText).join(" "),
    running: document.querySelectorAll(".lane .check.running").length,
    first: text("#first"),
    state: text("#state"),
  })).observe(document.body, {attributes: true, characterData: true, childList: true, subtree: true})
}"""


def watch(page):
    """Have the page note what it shows each time that it changes: a look from outside may come too late."""
    page.evaluate(WATCH)


def test_answer_streams_and_numbers_are_shown(page):
    choose(page, "plain")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#answer")).to_have_text("Hello there.")
    expect(page.locator("#verdict")).to_contain_text("No rail was asked")
    expect(page.locator("#completion")).to_have_text(re.compile(r"^\d+$"))


@in_both
def test_held_text_is_grey_blocks_and_a_block_says_which_rail_and_why(page):
    choose(page, "guarded")
    watch(page)
    page.get_by_role("button", name="Ask").click()
    expect(page.locator(".lane .check").nth(2)).to_be_attached()
    if os.environ.get("HANDRAIL_PICTURES") and page.scheme == "light":
        page.screenshot(path=PICTURES / "playground.png")
    expect(page.locator("#verdict")).to_contain_text("self check output stopped the answer")
    assert set("".join(shown["held"] for shown in page.evaluate("watched"))) == {"x", " "}
    expect(page.locator(".lane .name")).to_have_text("output: self check output")
    expect(page.locator(".lane .check.block")).to_be_attached()
    expect(page.locator("#state")).to_have_text("blocked")
    expect(page.locator("#notes")).not_to_contain_text("cancelled")  # no verdict of a rail, but its end
    assert page.locator("#waiting path").get_attribute("d").count("V") > 3  # how much was held, over time
    assert holds_nothing_after_the_block(page)
    if os.environ.get("HANDRAIL_PICTURES") and page.scheme == "dark":
        page.screenshot(path=PICTURES / "playground-blocked.png")
    assert "xyzzy" not in page.locator("body").inner_text()
    assert "could object" in page.locator("#answer").inner_text()


def holds_nothing_after_the_block(page):
    """The line of what was held is at the bottom from the end of the block on."""
    box = page.locator(".lane .check.block").evaluate("bar => parseFloat(bar.style.left) + parseFloat(bar.style.width)")
    steps = re.findall(r"H([\d.]+)V([\d.]+)", page.locator("#waiting path").get_attribute("d"))
    return {float(height) for when, height in steps if float(when) > box - 0.01} == {96}


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


def test_reasoning_that_no_rail_reads_is_marked_and_not_called_cleared(page):
    choose(page, "reasons")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#verdict")).to_contain_text("No rail was asked")
    expect(page.locator("#unread")).to_be_visible()
    assert "cleared" not in page.locator("#verdict").inner_text()


@pytest.mark.parametrize("protocol", ["Responses", "Messages"])
def test_other_protocols_are_asked_and_the_page_says_what_they_cannot_tell(page, protocol):
    page.get_by_label("Protocol").select_option(protocol)
    for configuration, said in (("tools", 'get_weather {"city": "Lisbon"}'), ("masked", "Write to [EMAIL] for more.")):
        choose(page, configuration)
        page.get_by_role("button", name="Ask").click()
        expect(page.locator("#scroll")).to_contain_text(said)
        expect(page.locator("#verdict")).to_contain_text("Finished")
    expect(page.locator("#untold")).to_be_visible()
    expect(page.locator("#chart")).to_be_hidden()


def test_markdown_has_a_shape_and_nothing_that_runs_or_loads(page):
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    choose(page, "markdown")
    page.get_by_role("button", name="Ask").click()
    answer = page.locator("#answer")
    expect(answer.locator("strong")).to_have_text("window")
    expect(answer.locator("li")).to_have_count(2)
    expect(answer.locator("a[href='https://example.com']")).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(answer).to_contain_text("<img src=x onerror=alert(1)>")
    assert (
        answer.locator("img, script, style, iframe, form, svg, [onerror], [style], [href^='javascript']").count() == 0
    )
    assert [url for url in requests if not url.endswith("/v1/chat/completions")] == []


def test_a_conversation_has_several_turns_until_a_new_one_begins(page):
    choose(page, "plain")
    for number in range(2):
        page.get_by_label("Message").fill(f"Question {number}?")
        page.get_by_role("button", name="Ask").click()
        expect(page.locator("#verdict")).to_contain_text("Finished")
    expect(page.locator("#turns li")).to_have_text(["Question 0?", re.compile(".+")])
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator("#turns li")).to_have_count(0)
    assert page.locator("#answer").inner_text() == ""


def test_a_key_that_is_typed_late_works_at_once(page, real_server):
    page.goto(f"{real_server.url}/?fresh#config=plain")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#verdict")).to_contain_text("The API key is missing")
    expect(page.get_by_label("API key")).to_be_focused()
    page.keyboard.type("right-key")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#verdict")).to_contain_text("Finished")


def test_a_link_reproduces_a_request_and_has_no_key(page, real_server):
    choose(page, "masked")
    page.get_by_label("Message").fill("Who & where?")
    page.get_by_label("Protocol").select_option("Messages")
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#copied")).not_to_have_text("")
    link = page.url
    assert "right-key" not in link
    page.goto("about:blank")
    page.goto(link)
    page.get_by_label("API key").fill("right-key")
    page.get_by_label("API key").press("Tab")
    expect(page.get_by_label("Configuration")).to_have_value("masked")
    expect(page.get_by_label("Message")).to_have_value("Who & where?")
    expect(page.get_by_label("Protocol")).to_have_value("messages")


def test_lanes_stay_in_view_and_nothing_is_wider_than_a_phone(page):
    choose(page, "long")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#verdict")).to_contain_text("Finished")
    lanes = page.locator("#lanes").bounding_box()
    assert lanes["y"] + lanes["height"] <= 770
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_check_is_drawn_while_it_runs(page):
    choose(page, "slow")
    watch(page)
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#verdict")).to_contain_text("Every character was cleared")
    assert any(shown["running"] and shown["first"] == "–" for shown in page.evaluate("watched"))
    expect(page.locator(".lane .check.running")).to_have_count(0)


def test_a_hold_is_told_while_the_first_window_is_held(page):
    choose(page, "guarded")
    watch(page)
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#verdict")).to_contain_text("stopped the answer")
    assert any("holding" in shown["state"] and shown["first"] == "–" for shown in page.evaluate("watched"))


def test_everything_works_by_keyboard(page):
    choose(page, "endless")
    page.get_by_label("Message").focus()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("button", name="Stop")).to_be_enabled()
    page.keyboard.press("Escape")
    expect(page.locator("#verdict")).to_contain_text("Stopped by you")
    expect(page.get_by_role("button", name="Stop")).to_be_disabled()


def test_what_a_server_says_is_text_and_never_html(page):
    page.get_by_label("API key").fill("<img src=x onerror=alert(1)>")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#verdict")).to_contain_text("The API key is missing or wrong")
    assert page.locator("main img").count() == 0


@in_both
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
