"""The words of envcheck: facts, findings, fixes, reports, and the Unknown."""
