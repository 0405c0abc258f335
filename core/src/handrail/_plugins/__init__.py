"""Plugins: who is installed, and what each of them offers."""
