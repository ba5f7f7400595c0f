"""Fixes heal: real environments are broken, and the suggested commands, word for word, make them whole.

The table of faults is in healing/faults.py. A part is tried by default, ENVCHECK_HEALING=all tries the rest too, and
tests/benchmarks/healing_rate.py prints the rate. Everything goes through the command line, with its output as a user
sees it: names of the user and the home folder are taken out of it, and the commands run all the same.
"""

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from framework_environments import NotBuilt, build
from healing.engine import Fault, Outcome, carry_out
from healing.faults import FAULTS
from healing.scripts import run_script
from healing.users import user_with

pytestmark = pytest.mark.frameworks

ALL = os.environ.get("ENVCHECK_HEALING") == "all"
AT_ONCE = 2


@pytest.fixture(scope="module")
def attempts(
    request: pytest.FixtureRequest, environments_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, "Future[Outcome]"]]:
    """Begin with all chosen faults, two at a time; what a test waits for may be done already."""

    def attempt(fault: Fault) -> Outcome:
        folder = tmp_path_factory.mktemp("healing")
        try:
            return carry_out(fault, environments_folder, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    named = {item.callspec.params.get("fault") for item in request.session.items if hasattr(item, "callspec")}
    pool = ThreadPoolExecutor(AT_ONCE, "healing")
    yield {fault.name: pool.submit(attempt, fault) for fault in FAULTS if fault in named and (ALL or fault.by_default)}
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_right_finding_comes_first_and_its_commands_heal(
    fault: Fault, attempts: dict[str, "Future[Outcome]"]
) -> None:
    if fault.name not in attempts:
        pytest.skip("this fault is tried with ENVCHECK_HEALING=all only")
    try:
        outcome = attempts[fault.name].result()
    except NotBuilt as reason:
        pytest.skip(str(reason))
    assert outcome.named(fault), outcome
    assert outcome.healed(fault), outcome


def test_there_are_enough_faults_of_every_kind() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 32
    assert {fault.smoke for fault in FAULTS} >= {"jax", "tensorflow", None}


def test_a_script_heals_and_can_be_run_again(environments_folder: Path, tmp_path: Path) -> None:
    fault = next(each for each in FAULTS if each.name == "package-requirements-conflict: NumPy is gone")
    try:
        assert run_script(fault, environments_folder, tmp_path, smoke=False) is None
    except NotBuilt as reason:
        pytest.skip(str(reason))


def test_fix_suggestions_prints_the_same_commands(environments_folder: Path, tmp_path: Path) -> None:
    try:
        user = user_with(build(environments_folder, "jax"), tmp_path, KERAS_BACKEND="jax")
    except NotBuilt as reason:
        pytest.skip(str(reason))
    user.write({".keras/keras.json": '{"floatx": "float31"}'})
    steps = user.look(command="fix-suggestions --no-smoke")["steps"]
    commands = [fix["commands"] for step in steps for fix in step["fixes"]]
    assert ["mv ~/.keras/keras.json ~/.keras/keras.json.old"] in commands
