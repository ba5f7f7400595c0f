"""Probes: what looks at the machine. One module, one record; a probe never judges."""
