from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from handrail_cli.app import run

Capture = pytest.CaptureFixture[str]


def test_every_plugin_is_listed_with_what_it_offers(own_plugin: None, capsys: Capture):
    assert run(["plugins"]) == 0
    shown = capsys.readouterr().out
    assert "handrail-cli 0.2.0, handrail_cli.plugin\n  command   chat        Chat with a guarded model.\n" in shown
    assert "  strategy  rolling" in shown
    assert "  engine    scripted" in shown
    assert "handrail-of-tests 1.0, handrail_of_tests.plugin\n  engine    not chunks" in shown
    assert " 0 broken; handrail 0.2.0, Python 3." in shown


def test_a_broken_plugin_is_listed_with_its_reason(installed: Callable[..., None], capsys: Capture):
    installed("handrail-broken", {"handrail_broken.py": "import no_such_module\n"}, plugin="handrail_broken")
    assert run(["plugins"]) == 0
    shown = capsys.readouterr().out
    assert "handrail-broken 1.0, handrail_broken\n  BROKEN    ModuleNotFoundError: No module named" in shown
    assert " 1 broken;" in shown


def test_a_name_that_two_plugins_offer_is_a_conflict(own_plugin: None, installed: Callable[..., None], capsys: Capture):
    twin = (
        "from handrail.plugins import RailSpec, hookimpl\n"
        "@hookimpl\n"
        "def handrail_rails():\n"
        "    yield RailSpec('no curse', 'x:y', summary='\\x1b[2J')\n"
    )
    installed("handrail-twin", {"handrail_twin.py": twin}, plugin="handrail_twin")
    assert run(["plugins"]) == 0
    shown = capsys.readouterr().out
    assert (
        "CONFLICT  rail 'no curse' is offered by handrail-of-tests 1.0 and by handrail-twin 1.0; disable one" in shown
    )
    assert "\x1b" not in shown
    assert run(["plugins", "--json"]) == 0
    (conflict,) = json.loads(capsys.readouterr().out)["conflicts"]
    assert conflict["plugins"] == ["handrail-of-tests 1.0", "handrail-twin 1.0"]


def test_as_json(own_plugin: None, capsys: Capture):
    assert run(["plugins", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    own = next(plugin for plugin in found["plugins"] if plugin["distribution"] == "handrail-of-tests")
    assert (own["version"], own["module"], own["problem"]) == ("1.0", "handrail_of_tests.plugin", None)
    assert {
        "kind": "rail",
        "name": "explode",
        "aliases": [],
        "summary": "A rail of a test.",
        "directions": ["input", "output"],
    } in own["offers"]
    assert {offer["kind"] for offer in own["offers"]} == {"rail", "engine", "command"}


def test_a_plugin_that_reads_rails_from_configurations_says_so(capsys: Capture):
    assert run(["plugins"]) == 0
    assert (
        "handrail_colang.plugin\n  rail      *  Those that a configuration defines itself." in capsys.readouterr().out
    )
    assert run(["plugins", "--json"]) == 0
    plugins = {one["name"]: one["defined_by_configurations"] for one in json.loads(capsys.readouterr().out)["plugins"]}
    assert "rail" in plugins["colang"]
    assert plugins["patterns"] == []
