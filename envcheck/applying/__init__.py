"""Fixes are carried out here, with the user's consent, and what is needed to undo them is kept."""
