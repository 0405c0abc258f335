"""LangChain's Runnables and agents with a guarded model do what every guarded host must."""

from __future__ import annotations

import anyio
import pytest
from handrail import Chunk, LLMRails, RailsConfig, ToolCallDelta, Usage
from handrail_hosts import GuardFailedError
from handrail_hosts.langchain import GuardedModel, GuardMiddleware
from handrail_testkit import HostAnswer, HostCase, HostConformance, HostModel, ModelFailure, host_rails
from langchain.agents import create_agent
from langchain.agents.middleware import ModelRetryMiddleware
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.globals import set_llm_cache
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, ChatMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.rate_limiters import BaseRateLimiter
from langchain_core.tools import tool
from pydantic import PrivateAttr

FORBIDDEN = "forbidden fruit"


@tool
def look_up(query: str, n: object = None, deep: object = None) -> str:
    """Look something up."""
    return f"nothing about {query}"


class FakeModel(BaseChatModel):
    """Says what a `HostModel` says."""

    _said = PrivateAttr()

    def __init__(self, said):
        super().__init__()
        self._said = said

    @property
    def _llm_type(self):
        return "fake"

    def bind_tools(self, tools, **kwargs):
        return self.bind(tools=[{"type": "function", "function": {"name": "look_up", "parameters": {}}}])

    async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
        stream = self._said.stream()
        try:
            async for chunk in stream:
                message = _chunk(chunk)
                piece = ChatGenerationChunk(message=message)
                if run_manager is not None:
                    await run_manager.on_llm_new_token(str(message.content), chunk=piece)
                yield piece
        finally:
            await stream.aclose()

    async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
        whole = None
        async for piece in self._astream(messages):
            whole = piece.message if whole is None else whole + piece.message
        message = AIMessage(
            content=whole.content,
            id=whole.id,
            tool_calls=whole.tool_calls,
            usage_metadata=whole.usage_metadata,
            response_metadata=whole.response_metadata,
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        return anyio.run(self._agenerate, messages)


def _chunk(chunk):
    usage = chunk.usage and {
        "input_tokens": chunk.usage.input_tokens,
        "output_tokens": chunk.usage.output_tokens,
        "total_tokens": chunk.usage.total_tokens,
    }
    return AIMessageChunk(
        content=chunk.text,
        id="answer_1",
        additional_kwargs={"reasoning_content": chunk.reasoning} if chunk.reasoning else {},
        tool_call_chunks=[
            {"index": call.index, "id": call.id, "name": call.name, "args": call.arguments} for call in chunk.tool_calls
        ],
        usage_metadata=usage,
        response_metadata={"finish_reason": chunk.finish_reason} if chunk.finish_reason else {},
    )


def _answer(ended, message, *, text=None, shown="", kept=None):
    """Return what a reader saw of a message that was put together from what came."""
    message = message or AIMessageChunk(content="")
    finish = message.response_metadata.get("finish_reason")
    calls = getattr(message, "tool_call_chunks", None)
    if calls is None:
        calls = [{**call, "args": _json(call["args"])} for call in message.tool_calls]
    usage = message.usage_metadata
    return HostAnswer(
        ended="refused" if ended == "complete" and finish == "content_filter" else ended,
        text=str(message.content) if text is None else text,
        tool=(calls[0]["name"], calls[0]["id"]) if calls else None,
        arguments=(calls[0]["args"] or "") if calls else "",  # a reader takes each for a call of its own
        reasoning=message.additional_kwargs.get("reasoning_content", ""),
        usage=usage and Usage(usage["input_tokens"], usage["output_tokens"]),
        finish=finish,
        id=message.id,
        shown=shown,
        kept=kept,
    )


def _json(value):
    import json

    return json.dumps(value)


class Runnable(HostCase):
    """Asks the model itself, in a chain that falls back to another."""

    async def ask(self, request):
        rails = host_rails(request.rails)
        model = GuardedModel(FakeModel(request.model), rails)
        if request.model.failures:
            model = model.with_fallbacks([GuardedModel(FakeModel(request.model), rails)])
        message = None
        try:
            if not request.streams:
                message = await model.ainvoke(request.message)
                return _answer("complete", message, kept=str(message.content))
            stream = model.astream(request.message)
            try:
                async for piece in stream:
                    message = piece if message is None else message + piece
                    if request.leaves and message.content:
                        return _answer("left", message)
            finally:
                await stream.aclose()
        except (ModelFailure, GuardFailedError) as error:
            return _answer("failed", message, shown=repr(error))
        return _answer("complete", message, kept=str(message.content))


class Agent(HostCase):
    """Asks an agent with the middleware, and reads the messages that it streams."""

    async def ask(self, request):
        middleware = [ModelRetryMiddleware(max_retries=1, initial_delay=0, on_failure="error")]
        middleware.append(GuardMiddleware(host_rails(request.rails)))
        agent = create_agent(
            FakeModel(request.model),
            [look_up],
            middleware=middleware if request.model.failures else middleware[1:],
            interrupt_before=["tools"],
        )
        asked, message, state = {"messages": [HumanMessage(request.message)]}, None, None
        try:
            if not request.streams:
                state = await agent.ainvoke(asked)
                return _answer("complete", state["messages"][-1])
            stream = agent.astream(asked, stream_mode=["messages", "values"])
            try:
                async for mode, value in stream:
                    if mode == "values":
                        state = value
                    elif isinstance(value[0], AIMessageChunk):
                        message = value[0] if message is None else message + value[0]
                        if request.leaves and message.content:
                            return _answer("left", message)
            finally:
                await stream.aclose()
        except (ModelFailure, GuardFailedError) as error:
            return _answer("failed", message, shown=repr(error))
        return _answer("complete", message, kept=str(state["messages"][-1].content))


class TestGuardedModel(HostConformance):
    @pytest.fixture
    def case(self):
        return Runnable()


class TestAgent(HostConformance):
    @pytest.fixture
    def case(self):
        return Agent()


class Spy(AsyncCallbackHandler):
    def __init__(self):
        self.seen = ""

    async def on_llm_new_token(self, token, **kwargs):
        self.seen += token

    async def on_llm_end(self, response, **kwargs):
        self.seen += repr(response)


async def test_callbacks_see_what_the_rails_let_through(anyio_backend):
    from handrail import Chunk
    from handrail_testkit import HostModel

    said = HostModel([Chunk(f"Well. {FORBIDDEN}"), Chunk(finish_reason="stop")])
    spy = Spy()
    model = GuardedModel(FakeModel(said), host_rails("windows"))
    async for _ in model.astream("Hello", config={"callbacks": [spy]}):
        pass
    assert "refused" in spy.seen
    assert FORBIDDEN not in spy.seen


async def test_what_a_tool_returns_is_judged_before_it_is_kept(anyio_backend):
    from handrail import Chunk, ToolCallDelta
    from handrail_testkit import HostModel

    call = ToolCallDelta(0, "call_1", "look_up", f'{{"query": "{FORBIDDEN}"}}')
    said = HostModel([Chunk(tool_calls=(call,)), Chunk(finish_reason="tool_calls")])
    agent = create_agent(
        FakeModel(said), [look_up], middleware=[GuardMiddleware(host_rails("input"))], interrupt_after=["tools"]
    )
    state = await agent.ainvoke({"messages": [HumanMessage("Hello")]})
    assert state["messages"][-1].status == "error"
    assert FORBIDDEN not in state["messages"][-1].content


def test_without_async_an_answer_is_guarded_too():
    from handrail import Chunk
    from handrail_testkit import HostModel

    said = HostModel([Chunk(f"Well. {FORBIDDEN}"), Chunk(finish_reason="stop")])
    model = GuardedModel(FakeModel(said), host_rails("windows"))
    assert FORBIDDEN not in str(model.invoke("Hello").content)
    assert [FORBIDDEN in str(piece.content) for piece in model.stream("Hello")] == [False]


class Asked(FakeModel):
    """Keeps the messages with which it was asked."""

    _messages = PrivateAttr(default_factory=list)

    async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
        self._messages.extend(messages)
        return await super()._agenerate(messages, stop, run_manager, **kwargs)


async def asked_through(*messages):
    """Ask a guarded model; return the messages that reached it, and the answer."""
    from handrail import Chunk
    from handrail_testkit import HostModel

    model = Asked(HostModel([Chunk("Well."), Chunk(finish_reason="stop")]))
    answer = await GuardedModel(model, host_rails("input")).ainvoke(list(messages))
    return model._messages, answer.content


CALL = AIMessage("", tool_calls=[{"name": "look_up", "args": {}, "id": "c"}])


@pytest.mark.parametrize(
    "messages",
    [
        [HumanMessage("Hello", name=FORBIDDEN)],
        [HumanMessage([{"type": "note", "text": FORBIDDEN}])],
        [HumanMessage([{"type": "note", "note": FORBIDDEN}])],
        [HumanMessage("Hello"), CALL, ToolMessage([{"type": "note", "note": FORBIDDEN}], tool_call_id="c")],
    ],
)
async def test_whatever_says_something_to_the_model_is_judged(messages):
    reached, answer = await asked_through(*messages)
    assert (reached, answer) == ([], "The guard has refused this.")


async def test_a_role_that_no_rail_judges_is_refused():
    with pytest.raises(ValueError, match="role"):
        await asked_through(ChatMessage(FORBIDDEN, role="x"), HumanMessage("Hello"))


async def test_a_question_that_was_refused_before_is_taken_out_of_the_history():
    result = ToolMessage("found", tool_call_id="c", name="look_up")
    reached, answer = await asked_through(
        HumanMessage(FORBIDDEN), CALL, result, AIMessage("No."), HumanMessage("Well?")
    )
    assert answer == "Well."
    assert [message.type for message in reached] == ["human", "ai", "human"]
    assert FORBIDDEN not in repr(reached)


async def test_what_a_host_does_with_a_chunk_changes_no_other(anyio_backend):
    said = HostModel([Chunk("One "), Chunk("two "), Chunk("three"), Chunk(finish_reason="stop")])
    model = GuardedModel(FakeModel(said), host_rails("session"))
    texts = []
    async for chunk in model.astream("Hello"):
        assert "seen" not in {**chunk.additional_kwargs, **chunk.response_metadata}
        texts.append(chunk.content)
        chunk.additional_kwargs["seen"] = chunk.response_metadata["seen"] = True
        chunk.content, chunk.id = [], "other"
    assert "".join(texts) == "One two three"


class Saying(BaseChatModel):
    """Says one message, streamed as a chunk."""

    _said = PrivateAttr()

    def __init__(self, said):
        super().__init__()
        self._said = said

    @property
    def _llm_type(self):
        return "saying"

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        return ChatResult(generations=[ChatGeneration(message=AIMessage(**self._said))])

    async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
        yield ChatGenerationChunk(message=AIMessageChunk(**self._said))


TOKENS = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}


@pytest.mark.parametrize(
    "said",
    [
        {"id": FORBIDDEN},
        {"name": FORBIDDEN},
        {"response_metadata": {"model_name": FORBIDDEN, "id": FORBIDDEN, "logprobs": FORBIDDEN}},
        {"response_metadata": {"finish_reason": FORBIDDEN}},
        {"additional_kwargs": {"refusal": FORBIDDEN}},
        {"usage_metadata": {**TOKENS, "note": FORBIDDEN, "input_token_details": {FORBIDDEN: 1}}},
        {"content": [{"type": "text", "text": "Hi", "annotations": [{"title": FORBIDDEN}]}]},
        {"tool_calls": [{"name": FORBIDDEN, "args": {}, "id": "c"}]},
        {"tool_calls": [{"name": "f", "args": {}, "id": FORBIDDEN}]},
    ],
)
async def test_what_an_answer_says_where_no_rail_looks_is_left_out(said):
    shown = ""
    model = GuardedModel(Saying({"content": "Hi", **said}), host_rails("windows"))
    try:
        shown = repr(await model.ainvoke("Hello"))
        shown += repr([chunk async for chunk in model.astream("Hello")])
    except GuardFailedError as error:
        shown += str(error)
    assert shown
    assert FORBIDDEN not in shown


class InPieces(Saying):
    """Says a text in pieces, each as it is given."""

    async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
        for piece in self._said:
            yield piece


def piece(text, *, info=None, **fields):
    return ChatGenerationChunk(message=AIMessageChunk(content=text, id="a", **fields), generation_info=info)


@pytest.mark.parametrize(
    "odd",
    [
        piece("odd ", info={"logprobs": FORBIDDEN}),
        piece("odd ", name=FORBIDDEN),
        piece("odd ", note=FORBIDDEN),
        piece("odd ", additional_kwargs={"note": FORBIDDEN}),
        piece("odd ", response_metadata={"note": FORBIDDEN}),
        ChatGenerationChunk(message=AIMessageChunk(content="odd ", id=FORBIDDEN)),
    ],
)
async def test_a_piece_is_passed_on_itself_only_if_it_has_nothing_but_its_text(odd, anyio_backend):
    pieces = [piece("One "), piece("two "), odd, piece("three "), piece("three ")]
    model = GuardedModel(InPieces(pieces), host_rails("session"))
    got = [item async for item in model._astream([HumanMessage("Hello")])]
    assert "".join(item.text for item in got) == "One two odd three three "
    assert FORBIDDEN not in repr(got)
    assert [item is piece for item, piece in zip(got, pieces, strict=False)] == [True, True, False, True, True]


async def test_an_answer_that_other_rails_have_judged_is_not_taken_from_a_cache(anyio_backend):
    lax = LLMRails(
        RailsConfig.from_content(config={"models": [], "rails": {"output": {"streaming": {"enabled": True}}}})
    )
    set_llm_cache(InMemoryCache())
    try:
        answers = []
        for rails in (lax, host_rails("windows")):
            model = GuardedModel(Saying({"content": f"Well, {FORBIDDEN}."}), rails)
            answers.append((await model.ainvoke("Hello")).content)
            answers.append("".join([piece.text async for piece in model.astream("Hello")]))
    finally:
        set_llm_cache(None)
    assert [FORBIDDEN in answer for answer in answers] == [True, True, False, False]


async def test_a_model_is_asked_no_more_often_than_it_may_be(anyio_backend):
    class Limiter(BaseRateLimiter):
        asked = 0

        def acquire(self, *, blocking=True):
            raise NotImplementedError

        async def aacquire(self, *, blocking=True):
            Limiter.asked += 1
            return True

    inner = Saying({"content": "Hi"})
    inner.rate_limiter = Limiter()
    await GuardedModel(inner, host_rails("windows")).ainvoke("Hello")
    assert Limiter.asked == 1


PIECES = ['{"query": "a ', "much ", "longer ", 'question"}']


@pytest.mark.parametrize("rails", ["windows", "masking"])
async def test_a_call_that_is_released_in_pieces_is_run_with_all_of_its_arguments(rails, anyio_backend):
    """LangChain parses each chunk of a message by itself: a tool was run with the beginning of what it was given."""
    calls = [ToolCallDelta(0, "call_1", "look_up", PIECES[0]), *(ToolCallDelta(0, arguments=one) for one in PIECES[1:])]
    calls.append(ToolCallDelta(1, "call_2", "look_up", '{"query": "short"}'))
    end = Chunk(finish_reason="tool_calls", usage=Usage(1, 1))
    said = HostModel([*(Chunk(tool_calls=(call,)) for call in calls), end])
    message = None
    async for piece in GuardedModel(FakeModel(said), host_rails(rails)).astream("Hello"):
        message = piece if message is None else message + piece
    assert [call["args"]["query"] for call in message.tool_calls] == ["a much longer question", "short"]
    assert message.invalid_tool_calls == []
