"""Configurations: found by name, loaded once, replaced whole or not at all."""

from __future__ import annotations

import anyio
import pytest
from fakes import FakeProvider
from handrail import ConfigurationError, LLMRails
from handrail_server._configs import Configurations
from handrail_server._errors import ApiError


class Counting:
    """Composes, and counts how often; notes what was closed."""

    def __init__(self) -> None:
        self.made = 0
        self.closed: list[object] = []

    def __call__(self, config, name):
        self.made += 1
        closed = self.closed

        class Rails(LLMRails):
            async def aclose(self, *, drain=None):
                closed.append(self)
                await super().aclose()

        return Rails(config)


async def use(configurations, *ids):
    async with configurations.use(ids) as loaded:
        return loaded


async def test_configuration_is_loaded_once_however_many_ask(root, write, config):
    write(root, "a", config())
    write(root, "b", config())
    counting = Counting()
    configurations = Configurations(root, compose=counting)
    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(use, configurations, "a")
    assert counting.made == 1


async def test_folder_of_folders_a_folder_and_a_file_can_be_served(root, write, config):
    folder = write(root, "a", config())
    write(root, "b", config())
    (root / "notes").mkdir()
    assert list(Configurations(root).folders()) == ["a", "b"]
    assert list(Configurations(folder).folders()) == ["a"]
    assert list(Configurations(folder / "config.yml").folders()) == ["config"]
    assert Configurations(folder).default == "a"
    assert Configurations(root).default is None


def test_missing_configurations_are_said_at_the_start(root, write, config):
    with pytest.raises(ConfigurationError, match="no configuration found|no such file or folder"):
        Configurations(root)
    write(root, "a", config())
    with pytest.raises(ConfigurationError, match="known: a"):
        Configurations(root, default="b")


async def test_broken_configuration_is_no_answer_and_no_500(serve, root, config, write):
    client = serve({"a": config()})
    write(root, "broken", {"models": "none"})
    answer = await client.chat(config_id="broken")
    assert (answer.status, answer.error["code"]) == (424, "config_broken")
    assert answer.headers["x-should-retry"] == "false"
    assert str(root) not in answer.error["message"]


async def test_what_is_broken_is_said_at_the_start_and_the_rest_is_served(root, write, config, caplog):
    write(root, "a", {"models": "none"})
    write(root, "b", config())
    write(root, "c", config())

    words = "of a plugin"

    def compose(config, name):
        if name == "b":
            raise ValueError(words)
        return LLMRails(config)

    configurations = Configurations(root, compose=compose)
    await configurations.load_all()
    assert "configuration a cannot be used" in caplog.text
    assert "configuration b" in caplog.text
    assert words not in caplog.text
    counting = configurations._compose = Counting()
    await use(configurations, "c")
    assert counting.made == 0


async def test_no_more_is_loaded_at_the_start_than_is_kept(root, write, config):
    for name in "abc":
        write(root, name, config())
    counting = Counting()
    configurations = Configurations(root, compose=counting, bound=2)
    await configurations.load_all()
    assert (counting.made, counting.closed) == (2, [])


async def test_what_is_loaded_is_bounded_and_running_requests_keep_theirs(root, write, config):
    for name in "abc":
        write(root, name, config())
    counting = Counting()
    configurations = Configurations(root, compose=counting, bound=1)
    async with configurations.use(("a",)) as first:
        await use(configurations, "b")
        assert counting.closed == []
        assert first.rails.config.models
    assert counting.closed == [first.rails]
    await configurations.aclose()
    assert len(counting.closed) == 2


async def test_edit_replaces_the_whole_configuration(root, write, config):
    write(root, "a", config(["old"]))
    counting = Counting()
    configurations = Configurations(root, compose=counting)
    async with configurations.use(("a",)) as running:
        assert await configurations.reload_changed() == ([], [])
        write(root, "a", config(["brand new"]))
        assert await configurations.reload_changed() == ([("a",)], [])
        assert (await use(configurations, "a")).rails is not running.rails
        assert counting.closed == []
        assert await running.rails.generate_async("x") == "old"
    assert counting.closed == [running.rails]
    assert await (await use(configurations, "a")).rails.generate_async("x") == "brand new"


async def test_a_record_that_is_written_beside_a_configuration_is_no_edit(root, write, config):
    recorded = {**config(["old"]), "observers": {"audit": {"usage": True}}}
    write(root, "a", recorded)
    (root / "a" / "words").mkdir()
    configurations = Configurations(root)
    for _ in range(2):
        await (await use(configurations, "a")).rails.generate_async("x")
        assert await configurations.reload_changed() == ([], [])
    (root / "a" / "words" / "phrases.txt").write_text("x", encoding="utf-8")
    assert await configurations.reload_changed() == ([("a",)], [])
    assert await configurations.reload_changed() == ([], [])
    assert len(list((root / "a" / "audit").glob("audit-*.jsonl"))) == 1
    await configurations.aclose()


async def test_broken_edit_keeps_the_old_one_and_says_so_once(root, write, config, caplog):
    write(root, "a", config(["old"]))
    configurations = Configurations(root)
    before = await use(configurations, "a")
    (root / "a" / "config.yml").write_text("models: [", encoding="utf-8")
    assert await configurations.reload_changed() == ([], [("a",)])
    assert await configurations.reload_changed() == ([], [])
    assert (await use(configurations, "a")).rails is before.rails
    assert "the old one stays" in caplog.text
    write(root, "a", config(["mended"]))
    assert await configurations.reload_changed() == ([("a",)], [])


async def test_configuration_that_is_gone_is_not_found_until_then_kept(root, write, config):
    write(root, "a", config())
    write(root, "b", config())
    configurations = Configurations(root)
    with pytest.raises(ApiError, match="configuration 'c'"):
        await use(configurations, "c")


async def test_stream_that_runs_keeps_its_configuration_through_a_reload(serve, fake, root, write):
    provider = FakeProvider([f" {i}" for i in range(20)], delay=0.005)
    client = serve({"a": fake()}, provider=provider)
    configurations = client.app._app.router.routes[0].endpoint._services.configurations
    texts: list[str] = []

    async def ask() -> None:
        texts.append((await client.chat(stream=True)).text)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        while not provider.produced:  # noqa: ASYNC110  # until the model was asked
            await anyio.sleep(0.001)
        write(root, "a", {**fake(), "instructions": [{"content": "changed"}]})
        assert (await configurations.reload_changed())[0] == [("a",)]
    assert texts == ["".join(f" {i}" for i in range(20))]
