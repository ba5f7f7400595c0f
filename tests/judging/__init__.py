"""Simulated facts, and the cases of the rules."""
