"""instructor: an answer of a form, which a refusal has not."""

from __future__ import annotations

import instructor
import openai
from asked import BASE, report
from pydantic import BaseModel


class Trip(BaseModel):
    city: str


def ask(case):
    client = openai.OpenAI(base_url=f"{BASE}/v1", api_key="none", max_retries=0)
    made = instructor.from_openai(client, mode=instructor.Mode.JSON_SCHEMA)
    asked = [{"role": "user", "content": "Hello!"}]
    return made.create(model=f"form-{case}", messages=asked, response_model=Trip, max_retries=0).city


report("chat", ask)
