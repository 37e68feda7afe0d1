"""The HTTP interface: the only package that imports FastAPI."""
