"""A chat with a page: FastAPI sends what the rails have cleared, as server-sent events.

pip install fastapi uvicorn "handrail[openai,patterns,scripted]"
uvicorn app:app
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, StreamingResponse
from handrail import Blocked, Event, LLMRails, ProviderError, RailFailed, RailsConfig, TextDelta
from pydantic import BaseModel, Field

HERE = Path(__file__).parent
rails = LLMRails(RailsConfig.from_path(HERE / "config.yml"))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Close connections to models when the application ends."""
    yield
    await rails.aclose()


app = FastAPI(lifespan=lifespan)


class Question(BaseModel):
    """What the page sends."""

    text: str = Field(min_length=1, max_length=4000)


@app.get("/")
async def page() -> HTMLResponse:
    """Serve the page."""
    return HTMLResponse((HERE / "page.html").read_text(encoding="utf-8"))


@app.post("/chat")
async def chat(question: Question) -> StreamingResponse:
    """Answer as a stream of events; a reader who leaves stops the model and every check."""
    return StreamingResponse(answer(question.text), media_type="text/event-stream")


async def answer(question: str) -> AsyncIterator[str]:
    """Yield an event for each piece of the answer, and one that says how it ended."""
    try:
        async with rails.stream(question) as stream:
            async for event in stream:
                if (shown := told(event)) is not None:
                    yield f"data: {json.dumps(shown)}\n\n"
            yield f"data: {json.dumps({'end': stream.response.outcome})}\n\n"
    except ProviderError:
        yield f"data: {json.dumps({'end': 'generation failed'})}\n\n"


def told(event: Event) -> dict[str, str] | None:
    """Return what a stranger may be told of an event: of a refusal the refusal text, and not what a rail has found."""
    match event:
        case TextDelta(text):
            return {"text": text}
        case Blocked(message=message) | RailFailed(message=message):
            return {"refusal": message}
        case _:
            return None
