"""Composition: a configuration and a registry become plans and models, built once."""
