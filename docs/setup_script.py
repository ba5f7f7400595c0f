"""A setup script that stops early, with one readable message, where a training job could not run.

python docs/setup_script.py [BACKEND]
"""

import sys

import envcheck

backend = sys.argv[1] if len(sys.argv) > 1 else "tensorflow"

try:
    report = envcheck.require(backends=[backend], min_memory_gib=1)
except envcheck.RequirementError as error:
    sys.exit(f"This machine is not ready:\n{error}")

print(f"{backend} is installed; {len(report.findings)} findings, verdict: {report.verdict}")
