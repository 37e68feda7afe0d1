"""Spor: feedback-informed-treatment outcome tracking."""
