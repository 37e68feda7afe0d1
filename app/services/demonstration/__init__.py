"""The demonstration organisation: an invented municipality, and a year and a half of what happened in it."""
