"""A YAML file of the operator's, whose mistakes are told with their lines and without any value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from handrail import ConfigurationError


@dataclass(frozen=True, slots=True, eq=False)
class OperatorFile:
    """What the file says.

    Attributes:
        path: the file.
        values: its content.
    """

    path: Path
    values: Any
    _node: yaml.Node | None

    @classmethod
    def read(cls, path: Path) -> OperatorFile:
        """Read a file.

        Raises:
            ConfigurationError: it cannot be read, or is not valid YAML.
        """
        try:
            text = path.read_text(encoding="utf-8-sig")
            return cls(path, yaml.safe_load(text), yaml.compose(text, yaml.SafeLoader))
        except OSError as exc:
            raise ConfigurationError(f"{path}: the file cannot be read: {exc.strerror}") from None
        except UnicodeDecodeError:
            raise ConfigurationError(f"{path}: is not valid UTF-8; save the file as UTF-8") from None
        except yaml.YAMLError as exc:
            mark = getattr(exc, "problem_mark", None)
            raise ConfigurationError(f"{path}{_written(mark)}: is not valid YAML") from None

    def where(self, place: Sequence[int | str]) -> str:
        """Return `file:line:column` of a value, or of the nearest one around it that is there."""
        node, mark = self._node, None
        for step in place:
            found = _below(node, step)
            if found is None:
                continue  # pydantic adds the members of a union to a place
            key, node = found
            mark = key.start_mark
        return f"{self.path}{_written(mark)}"


def _below(node: yaml.Node | None, step: int | str) -> tuple[yaml.Node, yaml.Node] | None:
    """Return the key and the value of a step; an item of a list is its own key."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None


def _written(mark: yaml.Mark | None) -> str:
    return f":{mark.line + 1}:{mark.column + 1}" if mark is not None else ""
