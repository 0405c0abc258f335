"""Folders, files, what is ignored, and how they merge."""

from __future__ import annotations

from pathlib import Path

import pytest
from handrail.config import RailsConfig
from handrail.errors import ConfigurationError

MAIN = "models:\n  - {type: main, engine: scripted}\n"
GUARD = "models:\n  - {type: guard, engine: scripted}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "config"
    made.mkdir()
    return made


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_yml", ".yml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def flows(*names: str) -> str:
    return "rails:\n  output:\n    flows:\n" + "".join(f"      - {name}\n" for name in names)


def refusal(path: str | Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        RailsConfig.from_path(path)
    return str(caught.value)


def types(config: RailsConfig) -> list[str]:
    return [model.type for model in config.models]


def test_every_yaml_file_below_a_folder_is_merged_in_the_order_of_names(folder: Path):
    write(folder, b_yml=GUARD, a_yml=MAIN, c__d_yml=flows("one"))
    (folder / "z.yaml").write_text(flows("two"))
    config = RailsConfig.from_path("config")
    assert types(config) == ["main", "guard"]
    assert [flow.name for flow in config.output_flows] == ["one", "two"]
    assert [file.relative_to(folder).as_posix() for file in config.files] == ["a.yml", "b.yml", "c/d.yml", "z.yaml"]


def test_one_file_is_a_configuration_and_its_neighbours_are_not(folder: Path):
    write(folder, a_yml=MAIN, b_yml=GUARD)
    config = RailsConfig.from_path(folder / "b.yml")
    assert types(config) == ["guard"]
    assert config.base_path == folder


def test_the_base_path_is_the_folder_whatever_becomes_current(folder: Path, monkeypatch: pytest.MonkeyPatch):
    write(folder, a_yml=MAIN)
    config = RailsConfig.from_path("config")
    content = RailsConfig.from_content(config={})
    monkeypatch.chdir(folder)
    assert config.base_path == folder
    assert content.base_path == folder.parent


def test_a_home_folder_may_be_written_as_a_tilde(folder: Path, monkeypatch: pytest.MonkeyPatch):
    write(folder, a_yml=MAIN)
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.setenv("USERPROFILE", str(folder.parent))
    assert types(RailsConfig.from_path("~/config")) == ["main"]


def test_a_tilde_that_means_nobodys_home_is_a_missing_folder():
    with pytest.raises(ConfigurationError, match="no such file or folder"):
        RailsConfig.from_path("~nobody-of-this-name/config")


def test_hidden_files_and_folders_are_not_read(folder: Path):
    write(folder, a_yml=MAIN)
    write(folder / ".drafts", a_yml=GUARD)
    (folder / ".hidden.yml").write_text(GUARD)
    assert types(RailsConfig.from_path("config")) == ["main"]


def test_links_are_followed_and_a_circle_of_links_ends(folder: Path):
    write(folder, a_yml=MAIN)
    outside = folder.parent / "outside"
    outside.mkdir()
    write(outside, b_yml=GUARD)
    (folder / "linked").symlink_to(outside)
    (outside / "back").symlink_to(folder)
    assert types(RailsConfig.from_path("config")) == ["main", "guard"]


def test_colang_files_and_actions_are_recorded(folder: Path):
    write(folder, a_yml=MAIN)
    for name in ("rails.co", "actions.py", "config.py", "other.py", "sub/more.co", "actions/deep/one.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    config = RailsConfig.from_path("config")
    assert [file.relative_to(folder).as_posix() for file in config.colang_files] == ["rails.co", "sub/more.co"]
    actions = [file.relative_to(folder).as_posix() for file in config.action_files]
    assert actions == ["actions/deep/one.py", "actions.py", "config.py"]


def test_a_folder_with_colang_alone_is_a_configuration(folder: Path):
    (folder / "rails.co").write_text("")
    assert RailsConfig.from_path("config").colang_files == (folder / "rails.co",)


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        ("", ["a.yml", "drafts/b.yml", "drafts/deep/c.yml", "kept/b.yml"]),
        ("# b.yml\n\n  \n", ["a.yml", "drafts/b.yml", "drafts/deep/c.yml", "kept/b.yml"]),
        ("b.yml", ["a.yml", "drafts/deep/c.yml"]),
        ("*.yml\n!a.yml", ["a.yml"]),
        ("drafts/", ["a.yml", "kept/b.yml"]),
        ("drafts", ["a.yml", "kept/b.yml"]),
        ("/b.yml", ["a.yml", "drafts/b.yml", "drafts/deep/c.yml", "kept/b.yml"]),
        ("drafts/*.yml", ["a.yml", "drafts/deep/c.yml", "kept/b.yml"]),
        ("drafts/**", ["a.yml", "kept/b.yml"]),
        ("**/c.yml", ["a.yml", "drafts/b.yml", "kept/b.yml"]),
        ("drafts/**/c.yml", ["a.yml", "drafts/b.yml", "kept/b.yml"]),
        ("[bc].yml", ["a.yml"]),
        ("[!bc].yml", ["drafts/b.yml", "drafts/deep/c.yml", "kept/b.yml"]),
        ("?.yml\n!kept/b.yml", ["kept/b.yml"]),
        ("a.yml/", ["a.yml", "drafts/b.yml", "drafts/deep/c.yml", "kept/b.yml"]),
        ("\\#.yml\n[.yml", ["a.yml", "drafts/b.yml", "drafts/deep/c.yml", "kept/b.yml"]),
    ],
)
def test_railsignore_is_read_as_git_reads_its_own(folder: Path, rules: str, left: list[str]):
    write(folder, a_yml=MAIN, drafts__b_yml=MAIN, drafts__deep__c_yml=MAIN, kept__b_yml=MAIN)
    (folder / ".railsignore").write_text(rules)
    config = RailsConfig.from_path("config")
    assert [file.relative_to(folder).as_posix() for file in config.files] == left


def test_railsignore_of_a_folder_above_holds_as_far_as_the_current_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    write(folder, a_yml=MAIN, b_yml=GUARD)
    (folder.parent / ".railsignore").write_text("config/b.yml")
    assert types(RailsConfig.from_path("config")) == ["main"]
    monkeypatch.chdir(folder)
    assert types(RailsConfig.from_path(".")) == ["main", "guard"]


def test_a_rule_that_is_no_pattern_is_an_error_with_its_line(folder: Path):
    write(folder, a_yml=MAIN)
    (folder / ".railsignore").write_text("# drafts\n[z-a].yml\n")
    expected = "config/.railsignore:2:1: '[z-a].yml' is not a valid pattern; for example '*.yml' or 'drafts/'"
    assert refusal("config") == expected


def test_no_such_path_says_what_is_there(folder: Path):
    write(folder, a_yml=MAIN)
    assert refusal("config/b.yml") == "no such file or folder: 'config/b.yml'; in 'config' there are 'a.yml'"
    assert refusal("nowhere/b") == "no such file or folder: 'nowhere/b'"


def test_a_folder_without_yaml(folder: Path):
    assert refusal("config") == (
        "the folder 'config' has no YAML file; put a 'config.yml' in it, and write at least 'models' and 'rails'"
    )


def test_an_empty_file_is_fine_beside_others_and_not_alone(folder: Path):
    write(folder, a_yml="# nothing yet\n")
    assert refusal("config") == "config/a.yml: the configuration is empty; write at least 'models' and 'rails'"
    assert refusal("config/a.yml") == "config/a.yml: the file is empty; write at least 'models' and 'rails'"
    write(folder, b_yml=MAIN)
    assert types(RailsConfig.from_path("config")) == ["main"]


def test_problems_of_all_files_are_told_at_once(folder: Path):
    write(folder, a_yml="models: [\n", b_yml="a: 1\na: 2\n", c_yml="- list\n")
    lines = refusal("config").splitlines()
    assert [line.split(": ")[0] for line in lines] == ["config/a.yml:2:1", "config/b.yml:2:1", "config/c.yml:1:1"]


def test_a_path_outside_the_current_folder_is_shown_whole(folder: Path, monkeypatch: pytest.MonkeyPatch):
    write(folder, a_yml="models: 3\n")
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert refusal(folder) == f"{folder}/a.yml:1:9: models is the number 3; it must be a list"


def test_a_later_file_overrides_keys_and_adds_to_lists(folder: Path):
    write(
        folder,
        a_yml=flows("one") + "    streaming: {enabled: true, chunk_size: 100}\n  config: {x: {a: 1, words: [1]}}\n",
        b_yml=flows("two") + "    streaming: {chunk_size: 80}\n  config: {x: {b: 2, words: [2]}}\nnote: late\n",
    )
    config = RailsConfig.from_path("config")
    assert [flow.name for flow in config.output_flows] == ["one", "two"]
    assert config.rails.output.streaming.enabled is True
    assert config.rails.output.streaming.chunk_size == 80
    assert config.rails.config == {"x": {"a": 1, "b": 2, "words": [2]}}
    assert config.custom_data == {"note": "late"}


def test_places_survive_a_merge(folder: Path):
    write(folder, a_yml=flows("one"), b_yml="\n" + flows("two"))
    config = RailsConfig.from_path("config")
    assert config.where("rails", "output", "flows", 0) == "config/a.yml:4:9"
    assert config.where("rails", "output", "flows", 1) == "config/b.yml:5:9"
    assert config.where("rails", "output") == "config/a.yml:2:3"
    assert config.where("rails", "output", "flows", 2) == ""
    assert config.where("prompts") == ""


def test_an_error_in_a_merged_list_names_the_file_that_it_stands_in(folder: Path):
    write(folder, a_yml=MAIN, b_yml="models:\n  - {type: 3, engine: scripted}\n")
    assert refusal("config") == "config/b.yml:2:12: models[1].type is the number 3; it must be text, put it in quotes"


@pytest.mark.parametrize("later", ["rails:\n", "rails:\n  output:\n", "rails:\n  output:\n    flows:\n"])
def test_an_empty_key_in_a_later_file_takes_no_rail_away(folder: Path, later: str):
    write(folder, a_yml=flows("one"), b_yml=later)
    assert [flow.name for flow in RailsConfig.from_path("config").output_flows] == ["one"]


def test_a_wrong_type_is_not_hidden_by_a_later_file(folder: Path):
    write(folder, a_yml="rails:\n  output:\n    flows: one\n", b_yml=flows("two"))
    assert refusal("config").startswith("config/a.yml:3:12: rails.output.flows is the text 'one'; it must be a list")


def test_two_different_models_of_one_type_are_refused(folder: Path):
    write(folder, a_yml=MAIN, b_yml="models:\n  - {type: main, engine: openai}\n")
    assert refusal("config") == (
        "config/b.yml:2:5: models[1] is a second model of the type 'main', first at config/a.yml:2:5; keep one of them"
    )


def test_configurations_add_up(folder: Path):
    write(folder, a_yml=MAIN + flows("one"))
    first = RailsConfig.from_path("config")
    second = RailsConfig.from_content(yaml_content=GUARD + flows("two") + "lowest_temperature: 0.5\n")
    both = first + second
    assert types(both) == ["main", "guard"]
    assert [flow.name for flow in both.output_flows] == ["one", "two"]
    assert both.lowest_temperature == 0.5
    assert (types(first), types(second)) == (["main"], ["guard"])
    assert both.where("rails", "output", "flows", 0) == "config/a.yml:6:9"
    assert both.where("rails", "output", "flows", 1) == "yaml_content:6:9"
    assert both.base_path == (second + first).base_path == folder


def test_a_value_knows_the_folder_of_the_configuration_that_it_came_from(folder: Path):
    other = folder.parent / "other"
    other.mkdir()
    write(folder, a_yml=MAIN)
    write(other, b_yml=GUARD)
    both = RailsConfig.from_path("config") + RailsConfig.from_path("other")
    assert both.base_path == folder
    assert both.folder_of("models", 0) == folder
    assert both.folder_of("models", 1) == other


def test_adding_a_configuration_to_itself_is_no_conflict(folder: Path):
    write(folder, a_yml=MAIN)
    config = RailsConfig.from_path("config")
    assert types(config + config) == ["main", "main"]


def test_colang_content_adds_up():
    both = RailsConfig.from_content("define flow a\n", MAIN) + RailsConfig.from_content("define flow b\n")
    assert both.colang_content == "define flow a\n\ndefine flow b\n"


@pytest.mark.parametrize("raised", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")])
def test_a_file_that_cannot_be_read_is_a_configuration_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, raised: OSError
):
    write(folder, a_yml=MAIN)
    raised.filename = str(folder / "a.yml")

    def fail(path: Path) -> bytes:
        raise raised

    monkeypatch.setattr(Path, "read_bytes", fail)
    assert refusal("config") == f"config/a.yml: it cannot be read: {raised.strerror}"


@pytest.mark.parametrize("text", ["- a", "rails: {output: {streaming: {stream_first: true}}}", "models: [", "x: 1"])
def test_documents_are_no_part_of_a_configuration(tmp_path, text):
    (tmp_path / "kb" / "actions").mkdir(parents=True)
    (tmp_path / "config.yml").write_text("models: []")
    for name in ("config.yml", "rails.co", "config.py", "actions/more.py"):
        (tmp_path / "kb" / name).write_text(text)
    config = RailsConfig.from_path(tmp_path)
    assert config.files == (tmp_path / "config.yml",)
    assert not config.colang_files
    assert not config.action_files
    assert not config.rails.output.streaming.stream_first
    (tmp_path / "more" / "kb").mkdir(parents=True)
    (tmp_path / "more" / "kb" / "more.yml").write_text("custom_data: {x: 1}")
    assert RailsConfig.from_path(tmp_path).custom_data == {"x": 1}


def test_documents_beside_a_configuration_are_noted_once(tmp_path):
    (tmp_path / "config.yml").write_text("models: []")
    assert RailsConfig.from_path(tmp_path).notes == ()
    (tmp_path / "kb").mkdir()
    config = RailsConfig.from_path(tmp_path)
    (note,) = config.notes
    assert "kb: documents are not looked up" in note
    assert (config + config).notes == (config + RailsConfig.from_content(config={})).notes == (note,)
