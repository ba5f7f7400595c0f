"""Suggestions are tried in scratch environments before the user relies on them."""
