"""Commands of the command line, one module each; no logic."""
