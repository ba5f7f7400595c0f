"""Real environments that are broken, checked, healed with the suggested commands, and checked again."""
