"""Rails for Handrail that remember what was said: three strikes, and pseudonyms."""
