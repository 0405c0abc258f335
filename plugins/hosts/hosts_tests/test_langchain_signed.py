"""A model gets its signatures back: Claude and Gemini take no second turn after a tool call without them."""

from __future__ import annotations

import pytest
from handrail import LLMRails, RailsConfig
from handrail_anthropic.testing import Message, MessagesServer
from handrail_hosts.langchain import GuardedModel, GuardMiddleware
from handrail_testkit import host_rails
from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import tool
from pydantic import PrivateAttr

SIGNATURES = "__gemini_function_call_thought_signatures__"


@tool
def look_up(query: str) -> str:
    """Look something up."""
    return f"nothing about {query}"


def rails_of(*flows, action="redact", channels=("text", "tool_calls"), **output):
    output = {"flows": [*flows], "streaming": {"enabled": True}, **output}
    config = {"personal data check": {"action": action, "channels": [*channels]}} if flows else {}
    return LLMRails(RailsConfig.from_content(config={"rails": {"output": output, "config": config}}))


def told():
    """Return rails that let thinking through."""
    return rails_of(deliver_unguarded=["reasoning"])


def withholding():
    """Return rails of which none reads thinking."""
    return host_rails("windows")


def reading():
    """Return rails that read thinking and change it."""
    return rails_of("personal data check", channels=["text", "tool_calls", "reasoning"])


async def second_turn(rails, answer, *, streams):
    """Have an agent call a tool; return the answer in the history that its model is asked with then."""
    with MessagesServer() as server:
        server.will(answer, Message("Done."))
        model = ChatAnthropic(model="claude-x", base_url=server.origin, api_key="k", max_retries=0, streaming=streams)
        agent = create_agent(model, [look_up], middleware=[GuardMiddleware(rails)])
        asked = {"messages": [HumanMessage("Hello")]}
        if streams:
            state = None
            async for mode, value in agent.astream(asked, stream_mode=["messages", "values"]):
                state = value if mode == "values" else state
        else:
            state = await agent.ainvoke(asked)
        assert state["messages"][-1].text == "Done."
        return server.requests[1].json["messages"][1]["content"]


CALL = {"type": "tool_use", "id": "toolu_00", "name": "look_up", "input": {"query": "it"}}
THOUGHT = {"thinking": "Let me see.", "signature": "EqQB", "redacted": "b3Blbg=="}


@pytest.mark.parametrize(
    ("rails", "streams", "thinking"),
    [
        (told, False, "Let me see."),
        (told, True, "Let me see."),
        (withholding, False, ""),
        (withholding, True, ""),
        (reading, False, "Let me see."),
        (reading, True, ""),  # its last word is released after the text
    ],
)
async def test_claude_gets_its_thinking_back_before_its_call(rails, streams, thinking, anyio_backend):
    answer = Message("Well now.", **THOUGHT, calls=[("look_up", {"query": "it"})])
    assert await second_turn(rails(), answer, streams=streams) == [
        {"type": "thinking", "thinking": thinking, "signature": "EqQB"},
        {"type": "redacted_thinking", "data": "b3Blbg=="},
        {"type": "text", "text": "Well now."},
        CALL,
    ]


@pytest.mark.parametrize("streams", [False, True])
async def test_thinking_that_a_rail_has_changed_goes_back_as_its_signature_alone(streams, anyio_backend):
    answer = Message("", thinking="To ada@example.org?", signature="EqQB", calls=[("look_up", {"query": "it"})])
    first, call = await second_turn(reading(), answer, streams=streams)
    assert (first, call) == ({"type": "thinking", "thinking": "", "signature": "EqQB"}, CALL)


async def test_signatures_that_are_texts_are_left_out(anyio_backend):
    answer = Message("Well.", thinking="Hm.", signature="forbidden fruit", calls=[("look_up", {"query": "it"})])
    content = await second_turn(withholding(), answer, streams=True)
    assert content == [{"type": "text", "text": "Well."}, CALL]


class Gemini(BaseChatModel):
    """Answers as `langchain-google-genai` reads Gemini."""

    _pieces = PrivateAttr()

    def __init__(self, *pieces):
        super().__init__()
        self._pieces = pieces

    @property
    def _llm_type(self):
        return "gemini"

    async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
        for piece in self._pieces:
            yield ChatGenerationChunk(message=piece)

    async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
        whole = sum(self._pieces[1:], self._pieces[0])
        fields = {"content": whole.content, "tool_calls": whole.tool_calls}
        message = AIMessage(**fields, additional_kwargs=whole.additional_kwargs)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        raise AssertionError("it is asked with async")


def gemini(query="it", text="Well now."):
    call = {"name": "look_up", "args": f'{{"query": "{query}"}}', "id": "c1", "index": None}
    return Gemini(
        AIMessageChunk(content=[{"type": "thinking", "thinking": "Hm. ", "signature": "ST"}]),
        AIMessageChunk(content=[{"type": "text", "text": text}]),
        AIMessageChunk(content=[{"type": "text", "text": "", "extras": {"signature": "SX"}}]),
        AIMessageChunk(content=[], tool_call_chunks=[call], additional_kwargs={SIGNATURES: {"c1": "SC"}}),
        AIMessageChunk(content=[], response_metadata={"finish_reason": "STOP"}),
    )


async def answer_of(model, rails, *, streams):
    guarded = GuardedModel(model, rails)
    if not streams:
        return await guarded.ainvoke("Hello")
    message = None
    async for piece in guarded.astream("Hello"):
        message = piece if message is None else message + piece
    return message


def without_index(answer):
    """Return the parts of a content without the numbers by which LangChain joined them."""
    return [
        {n: v for n, v in part.items() if n != "index"} if isinstance(part, dict) else part for part in answer.content
    ]


@pytest.mark.parametrize("streams", [False, True])
async def test_gemini_gets_the_signatures_of_thoughts_texts_and_calls(streams, anyio_backend):
    answer = await answer_of(gemini(), told(), streams=streams)
    assert [block["type"] for block in answer.content_blocks].count("text") == 2
    assert without_index(answer) == [
        {"type": "thinking", "thinking": "Hm. ", "signature": "ST"},
        {"type": "text", "text": "Well now."},
        {"type": "text", "text": "", "extras": {"signature": "SX"}},
    ]
    assert answer.additional_kwargs == {SIGNATURES: {"c1": "SC"}, "reasoning_content": "Hm. "}
    assert answer.text == "Well now."


@pytest.mark.parametrize("streams", [False, True])
async def test_a_call_that_a_rail_has_changed_is_not_signed(streams, anyio_backend):
    answer = await answer_of(gemini(query="ada@example.org"), reading(), streams=streams)
    assert "ada@example.org" not in repr(answer)
    assert SIGNATURES not in answer.additional_kwargs


async def test_a_signed_part_stands_between_the_texts_that_are_released_together(anyio_backend):
    texts = [AIMessageChunk(content=[{"type": "text", "text": text}]) for text in ("One ", "two.")]
    signed = AIMessageChunk(content=[{"type": "thinking", "thinking": "Hm.", "signature": "S2"}])
    end = AIMessageChunk(content=[], response_metadata={"finish_reason": "STOP"})
    answer = await answer_of(Gemini(texts[0], signed, texts[1], end), withholding(), streams=True)
    signed = {"type": "thinking", "thinking": "", "signature": "S2"}
    assert without_index(answer) == ["One ", signed, {"type": "text", "text": "two."}]


async def test_a_refusal_after_thinking_is_not_lost(anyio_backend):
    """LangChain adds no text to an empty list, which stands for the thinking that was told."""
    thought = AIMessageChunk(content=[{"type": "thinking", "thinking": "Hm.", "index": 0}])
    said = AIMessageChunk(content="Write to ada@example.org now.")
    end = AIMessageChunk(content="", response_metadata={"finish_reason": "STOP"})
    rails = rails_of("personal data check", action="block", deliver_unguarded=["reasoning"])
    answer = await answer_of(Gemini(thought, AIMessageChunk(content="ada@example.org"), end), rails, streams=True)
    assert "can't respond" in answer.text
    answer = await answer_of(Gemini(thought, said, end), told(), streams=True)
    assert answer.text == "Write to ada@example.org now."
