"""How long the report of outcomes takes an organisation with ten million administrations, beside the same in SQL."""
