"""`python -m handrail`: runs the command line, or says which package it is in."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points

if __name__ == "__main__":
    commands = entry_points(group="console_scripts", name="handrail")
    if not commands:
        sys.exit("handrail: the command line is in the extra 'cli': install handrail[cli]")
    sys.argv[0] = "handrail"
    next(iter(commands)).load()()
