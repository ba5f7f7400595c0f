"""Print how many really broken environments envcheck names and heals.

    python tests/benchmarks/healing_rate.py [--environments FOLDER] [--only TEXT] [--workers N] [--scripts]

The table of faults is that of tests/healing/faults.py. For each: was the right finding the first one with nothing
wrong beside it, and did the suggested commands heal it, so that nothing is left and the smoke test passes.
``--scripts`` runs the scripts of ``fix-suggestions --format script`` instead, each with dash and again with bash.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parent.parent))

from healing.engine import Fault, carry_out
from healing.faults import FAULTS
from healing.scripts import run_script

T = TypeVar("T")


def attempt(fault: Fault, environments: Path, what: Callable[[Fault, Path, Path], T] = carry_out) -> T | Exception:
    folder = Path(tempfile.mkdtemp(prefix="healing-"))
    try:
        return what(fault, environments, folder)
    except Exception as reason:  # one that cannot be tried must not end the others
        return reason
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--environments", type=Path, help="where environments are kept between runs")
    parser.add_argument("--only", default="", help="only faults whose name holds this text")
    parser.add_argument("--workers", type=int, default=2, help="how many environments at a time")
    parser.add_argument("--scripts", action="store_true", help="run the scripts instead")
    options = parser.parse_args()
    chosen = [fault for fault in FAULTS if options.only in fault.name]
    kept = options.environments or Path(tempfile.mkdtemp(prefix="healing-environments-"))
    if options.scripts:
        return _scripts(chosen, kept, options.workers)
    named = healed = 0
    print(f"{'named first':11}  {'healed':6}  {'seconds':>7}  fault")
    with ThreadPoolExecutor(options.workers) as pool:
        for fault, outcome in zip(chosen, pool.map(lambda fault: attempt(fault, kept), chosen), strict=True):
            if isinstance(outcome, Exception):
                print(f"{'-':11}  {'-':6}  {'-':>7}  {fault.name}: {outcome!r}", flush=True)
                continue
            named += outcome.named(fault)
            healed += outcome.healed(fault)
            answers = ("yes" if answer else "NO" for answer in (outcome.named(fault), outcome.healed(fault)))
            print("{:11}  {:6}  {:7.1f}  {}".format(*answers, outcome.seconds, fault.name), flush=True)
            if not (outcome.named(fault) and outcome.healed(fault)):
                print(f"    said {outcome.roots}, did {outcome.commands}, left {outcome.left} {outcome.smoke}")
    if options.environments is None:
        shutil.rmtree(kept, ignore_errors=True)
    print(f"{named} of {len(chosen)} named first, {healed} of {len(chosen)} healed")
    return 0 if named == healed == len(chosen) else 1


def _scripts(chosen: Sequence[Fault], environments: Path, workers: int) -> int:
    done = 0
    with ThreadPoolExecutor(workers) as pool:
        outcomes = pool.map(lambda fault: attempt(fault, environments, run_script), chosen)
        for fault, outcome in zip(chosen, outcomes, strict=True):
            done += outcome is None
            print(f"{'ok' if outcome is None else 'NO':3} {fault.name} {outcome or ''}", flush=True)
    print(f"{done} of {len(chosen)} scripts did their work, twice")
    return 0 if done == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
