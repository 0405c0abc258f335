"""A rail for Handrail that asks a moderation service."""
