"""What people call of each package says what to pass where an argument has a wrong type."""

from __future__ import annotations

import handrail_audit
import handrail_envoy
import handrail_eval
import handrail_hosts
import handrail_langchain
import handrail_mcp
import handrail_ray
import handrail_scripted
import handrail_server
import handrail_testkit
import nemoguardrails
import pytest
from handrail.errors import ConfigurationError, InvalidArgumentError
from nemoguardrails.llm.providers import register_llm_provider
from nemoguardrails.types import ChatMessage

CONFIG = nemoguardrails.RailsConfig.from_content(config={})
CALLS = {
    "a server's settings": lambda: handrail_server.ServerSettings.read(3),
    "a server": lambda: handrail_server.create_app({"config": "x"}),
    "serving": lambda: handrail_server.serve(None),
    "a guard of a host": lambda: handrail_hosts.HostGuard(3),
    "a guard of a class": lambda: handrail_hosts.HostGuard(nemoguardrails.LLMRails),
    "an authority": lambda: handrail_testkit.Authority.create("x"),
    "a host's model": lambda: handrail_testkit.HostModel("Hello"),
    "a host's rails": lambda: handrail_testkit.host_rails("sentences"),
    "an oracle": lambda: handrail_testkit.OracleRail(blocks="x"),
    "pieces": lambda: handrail_testkit.pieces_of(3),
    "a way to cut": lambda: handrail_testkit.pieces_of("x", None),
    "figures": lambda: handrail_eval.figures_of(3),
    "rows": lambda: [*handrail_eval.read_rows(["a.jsonl"])],
    "a guard of tools": lambda: handrail_mcp.Guard("guard"),
    "a processor": lambda: handrail_envoy.Processor({}),
    "an application of Ray": lambda: handrail_ray.application("guard"),
    "a record of decisions": lambda: [*handrail_audit.verify("x")],
    "a script": lambda: handrail_scripted.ScriptedProvider.from_script({"answers": []}),
    "an engine of NeMo's": lambda: register_llm_provider(None, 3),
    "a message of NeMo's": lambda: ChatMessage.from_dict("Hello"),
    "a configuration for NeMo": lambda: nemoguardrails.RailsConfig.from_content(config="models: []"),
    "events of NeMo's": lambda: nemoguardrails.LLMRails(CONFIG).generate_events("Hello"),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_argument_is_told_in_words_of_ours(name):
    with pytest.raises(InvalidArgumentError, match=" takes .*, not "):
        CALLS[name]()


def test_a_class_in_the_place_of_a_model_of_langchain_is_told_at_once():
    class Model:
        async def astream(self, messages):
            raise AssertionError("it is not asked")

    with pytest.raises(ConfigurationError, match="the class 'Model'; pass an object"):
        handrail_langchain.LangChainProvider(Model)


@pytest.mark.anyio
async def test_a_check_of_no_list_of_kinds_is_told():
    rails = nemoguardrails.LLMRails(CONFIG)
    with pytest.raises(InvalidArgumentError, match="rail_types takes a list of RailType, not int"):
        await rails.check_async([{"role": "user", "content": "Hello"}], 3)
