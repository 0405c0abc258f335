"""The dialogues that the model learns from, generated from the hand-written texts with one seed."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from training._texts import FOLDER, Exchange, fill, read_exchanges, read_lists, read_recipes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Message = dict[str, Any]

_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789"


def _tool(name: str, description: str, *parameters: str) -> dict[str, Any]:
    properties = {parameter: {"type": "string"} for parameter in parameters}
    schema = {"type": "object", "properties": properties, "required": list(parameters)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}


TOOLS = [
    _tool("get_weather", "Tells the weather in a city.", "city"),
    _tool("find_recipe", "Tells how long a dish takes.", "dish"),
    _tool("send_email", "Sends an email.", "to"),
]
"""The tools that the model has learnt to call, in OpenAI's form."""


@dataclass(slots=True)
class Dialogue:
    """One conversation to learn: what the assistant says in it is what counts."""

    messages: list[Message] = field(default_factory=list)
    tools: list[dict[str, Any]] = field(default_factory=list)


class Author:
    """Writes dialogues; the same seed writes the same ones."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)  # noqa: S311  # repeatable on purpose
        self._smalltalk = read_exchanges("smalltalk")
        self._support = read_exchanges("support")
        self._private = read_exchanges("private")
        self._words = read_lists("names")
        self._stories = read_lists("stories")
        self._asks = read_lists("asks")
        self._tool_texts = read_lists("tools")
        self._systems = [line for line in (_read_systems()) if line]
        self._recipes = read_recipes()
        self._words["key"] = _invent_keys(random.Random("keys"))  # noqa: S311  # as above
        self._kinds: list[tuple[int, Callable[[Dialogue], str]]] = [
            (26, lambda dialogue: self._exchange(dialogue, self._smalltalk, "small")),
            (22, lambda dialogue: self._exchange(dialogue, self._support, "support")),
            (28, lambda dialogue: self._exchange(dialogue, self._private, "private")),
            (22, self._cook),
            (6, self._tell),
        ]

    def dialogues(self, count: int) -> Iterator[Dialogue]:
        """Write this many dialogues."""
        for _ in range(count):
            yield self._use_tools() if self._rng.random() < 0.07 else self._converse()

    def _converse(self) -> Dialogue:
        dialogue = Dialogue()
        if self._rng.random() < 0.35:
            dialogue.messages.append({"role": "system", "content": self._rng.choice(self._systems)})
        thinks = self._rng.random() < 0.06
        weights, writers = zip(*self._kinds, strict=True)
        for _ in range(1 if thinks else self._rng.choice((1, 1, 1, 2, 2, 3, 4))):
            kind = self._rng.choices(writers, weights)[0](dialogue)
            if thinks:
                self._think(dialogue, kind)
        return dialogue

    def _slots(self) -> dict[str, str]:
        slots = {key: self._rng.choice(words) for key, words in self._words.items()}
        slots["email"] = f"{slots['first'].lower()}.{slots['last'].lower()}@{slots['domain']}"
        slots["order"] = "".join(self._rng.choices("0123456789", k=5))
        slots["phone"] = f"+1 202-555-01{self._rng.randrange(100):02d}"
        slots["house"] = str(self._rng.randrange(1, 60))
        return slots

    def _ask(self, dialogue: Dialogue, template: str, slots: dict[str, str]) -> None:
        text = fill(template, slots, self._rng)
        if self._rng.random() < 0.2:
            text = text.lower()
        if self._rng.random() < 0.2:
            text = text.rstrip("?.!")
        dialogue.messages.append({"role": "user", "content": text})

    def _answer(self, dialogue: Dialogue, template: str, slots: dict[str, str]) -> None:
        dialogue.messages.append({"role": "assistant", "content": fill(template, slots, self._rng)})

    def _exchange(self, dialogue: Dialogue, exchanges: list[Exchange], kind: str) -> str:
        slots = self._slots()
        turns = self._rng.choice(exchanges).turns
        for asks, answers in turns:
            self._ask(dialogue, self._rng.choice(asks), slots)
            self._answer(dialogue, self._rng.choice(answers), slots)
            if self._rng.random() < 0.3:
                break
        return kind

    def _cook(self, dialogue: Dialogue) -> str:
        first = self._rng.randrange(len(self._recipes))
        slots, second, third = (dict(self._recipes[(first + n) % len(self._recipes)]) for n in range(3))
        slots |= {"dish2": second["dish"], "dish3": third["dish"]}
        kind = self._rng.choice(("recipe", "recipe", "recipe", "steps", "shopping", "ideas", "menu"))
        self._say(dialogue, kind, slots)
        if kind in {"ideas", "menu"} and self._rng.random() < 0.7:
            self._ask(dialogue, self._rng.choice(self._asks["yes" if kind == "ideas" else "pick"]), slots)
            slots = dict(slots if kind == "ideas" else second)
            self._answer(dialogue, self._rng.choice(self._asks["recipe_answer"]), _dish(slots))
        if self._rng.random() < 0.4:
            self._say(dialogue, self._rng.choice(("time", "side")), slots)
        return "recipe"

    def _say(self, dialogue: Dialogue, kind: str, slots: dict[str, str]) -> None:
        self._ask(dialogue, self._rng.choice(self._asks[kind]), slots)
        self._answer(dialogue, self._rng.choice(self._asks[f"{kind}_answer"]), _dish(slots))

    def _tell(self, dialogue: Dialogue) -> str:
        texts = self._stories
        slots = {key: self._rng.choice(texts[key]) for key in ("hero", "trait", "place", "thing", "friend")}
        self._ask(dialogue, self._rng.choice(texts["ask"]), slots)
        parts = [fill(self._rng.choice(texts[part]), slots, self._rng) for part in ("open", "wish", "event")]
        close = [fill(self._rng.choice(texts[part]), slots, self._rng) for part in ("journey", "end", "last")]
        dialogue.messages.append({"role": "assistant", "content": f"{' '.join(parts)}\n\n{' '.join(close)}"})
        return "story"

    def _think(self, dialogue: Dialogue, kind: str) -> None:
        answers = [message for message in dialogue.messages if message["role"] == "assistant"]
        dish = next((r["dish"] for r in self._recipes if r["dish"] in answers[0]["content"].lower()), "something")
        thought = fill(self._tool_texts[f"think_{kind}"][0], {"dish": dish}, self._rng)
        del dialogue.messages[dialogue.messages.index(answers[0]) + 1 :]
        answers[0]["reasoning"] = thought

    def _use_tools(self) -> Dialogue:
        texts, slots = self._tool_texts, self._slots()
        slots |= {key: self._rng.choice(texts[key]) for key in ("sky", "degrees")} | self._rng.choice(self._recipes)
        dialogue = Dialogue(tools=list(TOOLS))
        if self._rng.random() < 0.3:
            dialogue.messages.append({"role": "system", "content": self._rng.choice(self._systems)})
        kind, name, argument, value = self._rng.choice(
            (
                ("weather", "get_weather", "city", slots["city"]),
                ("recipe", "find_recipe", "dish", slots["dish"]),
                ("mail", "send_email", "to", slots["email"]),
                ("none", "", "", ""),
            )
        )
        if kind == "none":
            self._exchange(dialogue, self._smalltalk, "small")
            return dialogue
        template = self._rng.choice(texts[f"{kind}_ask"])
        if kind == "mail":
            value = slots["email"] = f"{slots['first'].lower()}.{slots['last'].lower()}@example.com"
        self._ask(dialogue, template, slots)
        arguments = json.dumps({argument: value})
        call = {"id": "call_0", "type": "function", "function": {"name": name, "arguments": arguments}}
        dialogue.messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
        result = fill(texts[f"{kind}_result"][0], slots, self._rng).lower()
        dialogue.messages.append({"role": "tool", "tool_call_id": "call_0", "content": result})
        self._answer(dialogue, texts[f"{kind}_answer"][0], slots)
        return dialogue


def _read_systems() -> list[str]:
    lines = (FOLDER / "systems.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def _dish(slots: dict[str, str]) -> dict[str, str]:
    dish = slots["dish"]
    verb = "are" if dish.endswith("s") and not dish.startswith(("a ", "an ")) and dish != "hummus" else "is"
    return slots | {"Dish_is": f"{dish} {verb}"}


def _invent_keys(rng: random.Random) -> list[str]:
    """Make three keys of the usual shapes, here rather than in a text, so that no scanner reports them."""
    return [
        "sk-" + "".join(rng.choices(_ALPHABET, k=32)),
        "ghp_" + "".join(rng.choices(_ALPHABET, k=36)),
        "AKIA" + "IOSFODNN7" + "EXAMPLE",
    ]
