"""What error messages mean: data, and the matcher behind ``explain``, worker stderr and kernel logs."""

from collections.abc import Iterable

from envcheck.signatures.decode import blocks_of, whole_lines
from envcheck.signatures.judge import Match, judge
from envcheck.signatures.scan import Scan, scan

__all__ = ["Match", "Scan", "judge", "match", "match_text", "scan_bytes"]


def match(lines: Iterable[str | bytes]) -> tuple[Match, ...]:
    """Return the causes that a log speaks for, the most likely root cause first.

    The lines are read once, and memory does not grow with their number.
    """
    return judge(scan(whole_lines(blocks_of(lines))))


def match_text(text: str) -> tuple[Match, ...]:
    """Return the causes that a text speaks for, such as the end of a worker's stderr or a kernel log."""
    return judge(scan_bytes([text.encode("utf-8", "replace")]))


def scan_bytes(chunks: Iterable[bytes]) -> Scan:
    """Read a log in any encoding, in chunks cut anywhere."""
    return scan(whole_lines(chunks))
