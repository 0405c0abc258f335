"""What is deployed: which rails, under which names, with which files and options."""

from __future__ import annotations

import pytest
from handrail import ConfigurationError, RailsConfig
from handrail_audit._files import Files
from handrail_ray._bundle import Bundle
from handrail_ray._naming import deployment_name
from handrail_ray._serving import options_of, placed_rails
from handrail_ray._settings import RaySettings
from pydantic import ValidationError

CONFIG = """
rails:
  input: {flows: [classifier]}
  output:
    flows: [secret check, classifier, toxicity classifier]
    streaming: {enabled: true}
  config:
    classifier:
      place: {ray: {replicas: 2, app: guards}}
    toxicity classifier:
      engine: embedded
      labels: {"*": harm}
      when: {rail: classifier, score: 0.2..0.9}
      place: {ray: {app: guards}}
"""


def test_each_placed_rail_of_each_direction_is_deployed_once():
    found = placed_rails(RailsConfig.from_content(yaml_content=CONFIG))
    assert [(placed.direction, placed.flow, placed.settings.replicas) for placed in found] == [
        ("input", "classifier", 2),
        ("output", "classifier", 2),
        ("output", "toxicity classifier", 1),
    ]
    assert len({placed.deployment for placed in found}) == 3


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("place: {ray: {app: guards}}", "place: {ray: {}}", "several applications, guards, handrail"),
        ("replicas: 2", "replicas: 0", "replicas"),
        ("replicas: 2", "replicas: 2, autoscale: {max: 3}", "both set"),
        ("replicas: 2", "autoscale: {min: 3, max: 2}", "more than max"),
        ("replicas: 2", "address: 'ftp://here'", "address"),
        ("replicas: 2", "replcas: 2", "did you mean 'replicas'"),
    ],
)
def test_what_cannot_be_deployed_is_an_error(before, after, found):
    with pytest.raises(ConfigurationError, match=found):
        placed_rails(RailsConfig.from_content(yaml_content=CONFIG.replace(before, after)))


def test_a_configuration_that_places_nothing_is_an_error():
    with pytest.raises(ConfigurationError, match="places no rail in Ray"):
        placed_rails(RailsConfig.from_content(config={"rails": {"output": {"flows": []}}}))


def test_names_of_deployments_are_readable_and_differ():
    assert deployment_name("output", "self check output $model=guard").startswith(
        "output-self-check-output-model-guard-"
    )
    assert deployment_name("output", "a b") != deployment_name("output", "a-b")
    assert len(deployment_name("output", "x" * 500)) < 60


def test_options_are_those_of_serve():
    assert options_of(RaySettings(replicas=3, batch=16, cpus=0.5, gpus=0.25, max_queued=7)) == {
        "num_replicas": 3,
        "max_ongoing_requests": 32,
        "max_queued_requests": 7,
        "ray_actor_options": {"num_cpus": 0.5, "num_gpus": 0.25},
        "graceful_shutdown_timeout_s": 30.0,
        "max_surge_percent": 100,
    }
    scaled = options_of(RaySettings(autoscale={"min": 0, "max": 4}, batch=16))
    assert scaled["autoscaling_config"] == {"min_replicas": 0, "max_replicas": 4, "target_ongoing_requests": 16}
    assert "num_replicas" not in scaled


def test_settings_are_immutable_and_closed():
    with pytest.raises(ValidationError):
        RaySettings(colour="red")
    assert RaySettings(address="https://ray:8000").is_http
    assert not RaySettings(address="ray:6379").is_http


def test_a_configuration_travels_with_its_files_but_not_with_hidden_ones(tmp_path):
    (source := tmp_path / "source").mkdir()
    (source / "config.yml").write_text(CONFIG)
    (source / ".env").write_text("KEY=secret")
    (source / "more").mkdir()
    (source / "more" / "words.txt").write_text("words")
    bundle = Bundle.of(source)
    assert [name for name, _ in bundle.files] == ["config.yml", "more/words.txt"]
    (there := tmp_path / "there").mkdir()
    assert bundle.unpack(there).base_path == there
    assert (there / "more" / "words.txt").read_text() == "words"
    (source / "more" / "words.txt").write_text("other words")
    assert Bundle.of(source).digest != bundle.digest
    assert Bundle.of(source / "config.yml").entry == "config.yml"


def test_a_record_that_is_written_in_a_configuration_s_folder_stays_behind(tmp_path):
    (tmp_path / "config.yml").write_text(CONFIG)
    before = Bundle.of(tmp_path).digest
    record = Files(tmp_path / "audit", b"", {}, max_bytes=1024, sync_seconds=1)
    record.write({"decision": "block"})
    record.close()
    assert Bundle.of(tmp_path).digest == before


def test_a_folder_that_is_too_much_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("handrail_ray._bundle.MOST_BYTES", 10)
    (tmp_path / "model.bin").write_bytes(b"x" * 11)
    with pytest.raises(ConfigurationError, match="keep models elsewhere"):
        Bundle.of(tmp_path)
    with pytest.raises(ConfigurationError, match="does not exist"):
        Bundle.of(tmp_path / "nowhere")
