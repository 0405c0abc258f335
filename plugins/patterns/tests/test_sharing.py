"""What takes long to compile is compiled once in a process; what has a secret in it is kept for nobody."""

from __future__ import annotations

from handrail import LLMRails, RailsConfig


def scanner(**settings):
    options = {"personal data check": settings}
    config = {"rails": {"input": {"flows": ["personal data check"]}, "config": options}}
    return LLMRails(RailsConfig.from_content(config=config)).composition.input_rails[0].rail._scanner


def test_two_configurations_with_one_rail_share_its_patterns():
    assert scanner() is scanner()
    assert scanner(action="block") is scanner(action="block")
    assert scanner(action="block") is not scanner()
    assert scanner(kinds=["email"]) is not scanner()


def test_patterns_with_a_key_belong_to_their_configuration(monkeypatch):
    monkeypatch.setenv("HASH_KEY", "of the first")
    first = scanner(action="hash", hash_key_env_var="HASH_KEY", kinds=["email"])
    assert scanner(action="hash", hash_key_env_var="HASH_KEY", kinds=["email"]) is not first
