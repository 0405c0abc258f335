"""Draws the pictures of the README and `docs/concepts.md` from runs of the real engine: `python docs/_pictures`."""

from __future__ import annotations

from pathlib import Path

from drawings import PICTURES

FOLDER = Path(__file__).parents[1] / "pictures"


def main() -> None:
    """Write every picture."""
    FOLDER.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        (FOLDER / f"{name}.svg").write_text(draw(), encoding="utf-8")
        print(FOLDER / f"{name}.svg")


if __name__ == "__main__":
    main()
