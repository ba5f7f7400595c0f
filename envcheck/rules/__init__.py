"""Rules: pure functions from the facts to findings, one module per layer or family."""
