"""Simulated machines: file trees for ENVCHECK_SYSROOT and C libraries that answer like a driver's."""
