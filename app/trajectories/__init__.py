"""What a series of administrations says: dose, expected curve, verdict. Pure."""
