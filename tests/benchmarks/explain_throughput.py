"""How fast is ``envcheck explain`` against ``grep -E -f`` with the same patterns?

    python tests/benchmarks/explain_throughput.py [MEGABYTES]

Prints seconds and the ratio for two logs: one like a real training log, whose lines repeat but for
numbers, and one whose every line has words of its own, which is the worst case for the scanner.
"""

import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from envcheck.explanation import Log, explain_logs
from envcheck.signatures.catalogue import catalogue
from envcheck.signatures.phrase import parse

TEMPLATES = (
    "{stamp} I trainer.py:{n}] step {n} loss {f} accuracy {f} samples per second {f}",
    "{stamp} I data/pipeline.cc:{n}] shard {n} of 128 read in {f} s",
    "Epoch {n}/90 {n}/1563 [=====>......] - ETA: {n}s - loss: {f} - val_loss: {f}",
    "worker_{n}  | {stamp} INFO checkpoint {n} written to /data/run{n}/ckpt-{n}",
    "[{stamp}] GET /predict 200 {n} ms",
    "{stamp} W tensorflow/core/framework/cpu_allocator_impl.cc:{n}] Allocation of {n} exceeds 10% of system memory.",
)
FAULT = "{stamp} E cuda_driver.cc:328] failed call to cuInit: CUDA_ERROR_SYSTEM_NOT_READY: system not yet initialized"


def main() -> None:
    size = int(sys.argv[1]) << 20 if len(sys.argv) > 1 else 200 << 20
    with tempfile.TemporaryDirectory() as folder:
        patterns = Path(folder, "patterns")
        patterns.write_text("\n".join(sorted(_extended(text) for text in catalogue().phrases())) + "\n")
        for name, lines in (("repeating", _repeating()), ("all words new", _new_words())):
            log = Path(folder, "log")
            _write(log, lines, size)
            ours = _seconds_of_explain(log)
            grep = _seconds_of_grep(patterns, log)
            megabytes = log.stat().st_size >> 20
            print(f"{name}: {megabytes} MB, explain {ours:.1f} s, grep {grep:.1f} s, ratio {ours / grep:.2f}")


def _extended(text: str) -> str:
    """Return a phrase as an extended regular expression of grep."""
    pattern = parse(text).pattern
    for ours, greps in (
        (r"(?<![^\W_])", ""),
        (r"(?!\w)", ""),
        (r"(?![A-Za-z0-9])", ""),
        ("(?:", "("),
        (r".{0,80}?", ".{0,80}"),
        (r"[\w.+/\\:@=-]", "[][:alnum:]_.+/\\:@=-]"),
        (r"\s*$", "[[:space:]]*$"),
    ):
        pattern = pattern.replace(ours, greps)
    pattern = re.sub(r"\(\?P<\w+>", "(", pattern)
    return re.sub(r"\\([-\s#~&'\"<>,:;=!%@`/])", r"\1", pattern)


def _repeating() -> Iterator[str]:
    random.seed(7)
    while True:
        stamp = f"2026-11-22 10:{random.randrange(60):02}:{random.randrange(60):02}.{random.randrange(10**6):06}"
        yield random.choice(TEMPLATES).format(stamp=stamp, n=random.randrange(10**5), f=f"{random.random():.4f}")


def _new_words() -> Iterator[str]:
    random.seed(7)
    letters = "abcdefghijklmnopqrstuvwxyz"
    while True:
        yield " ".join("".join(random.choices(letters, k=7)) for _ in range(11))


def _write(path: Path, lines: Iterator[str], size: int) -> None:
    """Write a log of ``size`` bytes: some megabytes of lines again and again with other numbers, and one fault."""
    block = "\n".join(next(lines) for _ in range(40_000)) + "\n"
    written = 0
    with path.open("w") as file:
        while written < size:
            shift = str(random.randrange(1, 9))
            written += file.write(block.replace("1", shift) if written % 2 else block)
            if "loss" not in block:
                block = "\n".join(next(lines) for _ in range(40_000)) + "\n"
        file.write(FAULT.format(stamp="2026-11-22 12:00:00") + "\n")


def _seconds_of_explain(log: Path) -> float:
    start = time.perf_counter()
    with log.open("rb") as file:
        explained = explain_logs([Log("", iter(lambda: file.read(1 << 20), b""))])
    seconds = time.perf_counter() - start
    if explained.explanation.findings[0].id != "fabric-manager-not-running":
        raise SystemExit("explain missed the fault")
    return seconds


def _seconds_of_grep(patterns: Path, log: Path) -> float:
    start = time.perf_counter()
    call = ["grep", "-E", "-i", "-c", "-f", str(patterns), str(log)]
    done = subprocess.run(call, stdout=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C"}, check=False)
    if done.returncode != 0:
        raise SystemExit("grep did not find the fault")
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
