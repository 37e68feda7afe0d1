"""The words for the core's codes, in bokmål, nynorsk and English. Pure."""
