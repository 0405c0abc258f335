"""The stream engine: how text goes from a provider through rails to a consumer."""
