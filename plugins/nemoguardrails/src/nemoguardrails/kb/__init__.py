"""What annotations of existing code name; documents are looked up by the application."""
