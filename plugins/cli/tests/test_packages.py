from __future__ import annotations

from importlib.metadata import version

import pytest
from handrail import LLMRails, RailsConfig, Registry
from handrail.errors import ConfigurationError, Problem
from handrail_cli import _packages
from handrail_cli._packages import is_installed, offered_elsewhere, problems_of
from handrail_cli.app import run

OWN = {"handrail", "handrail-cli"}


def of_names(*names: str) -> ConfigurationError:
    return ConfigurationError("", problems=[Problem(name, code="unknown-name", subject=name) for name in names])


def test_every_name_that_a_package_of_this_repository_offers_is_listed():
    offered = {"Colang": "handrail-colang"}
    for plugin in Registry.discover().plugins:
        if plugin.distribution not in OWN and plugin.version == version("handrail"):
            names = (name for spec in plugin.specs for name in (spec.name, *getattr(spec, "aliases", ())))
            offered |= dict.fromkeys(names, str(plugin.distribution))
    assert offered_elsewhere() == offered


def test_a_name_of_a_package_that_is_not_installed_says_which_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_packages, "is_installed", lambda package: False)
    (problem,) = problems_of(of_names("sentence"))
    assert problem == (
        "'sentence' is in the package handrail-strategies, which is not installed: pip install handrail-strategies"
    )
    assert (problem.code, problem.subject) == ("missing-package", "handrail-strategies")
    assert problem.fix == 'pip install "handrail-strategies"'


def test_what_no_package_offers_and_what_is_installed_stays_as_it_was():
    error = of_names("no such name", "sentence")
    assert problems_of(error) == error.problems
    assert is_installed("handrail-cli")
    assert not is_installed("handrail-of-nobody")


def test_a_configuration_in_colang_says_which_package_reads_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_packages, "is_installed", lambda package: False)
    config = RailsConfig.from_content("define flow x\n  stop", config={"models": []})
    with pytest.raises(ConfigurationError) as caught:
        LLMRails(config, registry=Registry.discover(only=["handrail-patterns"]))
    (problem,) = problems_of(caught.value)
    assert problem.subject == "handrail-colang"


def test_a_command_that_is_not_installed_says_which_package_has_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(_packages, "is_installed", lambda package: package != "handrail-testkit")
    assert run(["new", "rail", "mine"], Registry.discover().without(["handrail-testkit"])) == 2
    assert "'new' is in the package handrail-testkit, which is not installed: pip install" in capsys.readouterr().err
