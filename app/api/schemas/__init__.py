"""What goes in and out: pydantic models per resource; the form of the input, never its meaning."""
