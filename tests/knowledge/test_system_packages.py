"""What distributions call packages and commands: one answer for each system, and only places that somebody fills."""

import string
import subprocess
from itertools import combinations

import pytest

from envcheck import knowledge
from envcheck.knowledge.system_packages import SystemPackage, system_package

ROWS = knowledge.load("system_packages", SystemPackage)
PLACES = {
    "major": "9",
    "architecture": "x86_64",
    "branch": "580",
    "driver": "580.95.05",
    "cuda": "13-0",
    "flavour": "-open",
    "library": "libx.so.1",
}


def test_no_two_rows_answer_the_same_question() -> None:
    for one, other in combinations(ROWS, 2):
        if one.purpose == other.purpose and set(one.systems) & set(other.systems):
            assert one.releases and other.releases and not set(one.releases) & set(other.releases), (one, other)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.purpose}-{row.systems[0]}")
def test_commands_are_whole_when_their_places_are_filled(row: SystemPackage) -> None:
    for command in row.commands:
        assert {name for _, name, _, _ in string.Formatter().parse(command) if name is not None} <= PLACES.keys()
        script = command.format_map(PLACES)
        assert subprocess.run(["/bin/sh", "-n", "-c", script], check=False).returncode == 0


@pytest.mark.parametrize(
    ("system", "release", "machine", "found"),
    [
        ("rocky", "9.6", "aarch64", True),
        ("rocky", "9.6", "ppc64le", False),
        ("rocky", "7.9", "x86_64", False),
        ("opensuse-leap", "15.6", "aarch64", False),
        ("gentoo", "", "x86_64", False),
        ("", "", "", False),
    ],
)
def test_what_is_not_in_the_table_is_unknown(system: str, release: str, machine: str, found: bool) -> None:
    assert (system_package("driver", system, release, machine) is not None) == found
