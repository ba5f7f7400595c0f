"""Renderers: a report in, text out. They never look at the machine."""
