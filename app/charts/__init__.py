"""Pictures of what the core says, as Vega-Lite specifications (plain dicts) and as tables; nothing is drawn here."""
