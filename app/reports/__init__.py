"""What many episodes say: outcomes, comparisons, dose, flow; each figure with its denominator and its interval."""
