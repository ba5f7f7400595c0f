"""Fixes: from a finding to the commands for this target on this machine."""
