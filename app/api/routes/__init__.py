"""The routes, one module per resource; each about ten lines of form around one use case."""
