"""A streaming strategy for Handrail: windows that end where a clause ends."""
