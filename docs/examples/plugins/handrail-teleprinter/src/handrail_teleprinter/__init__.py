"""An engine for Handrail: models that speak the teleprinter protocol over TCP."""
