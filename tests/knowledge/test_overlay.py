"""The folder that ENVCHECK_KNOWLEDGE names adds rows and replaces some; a broken one gets one clear line."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.version import Version

from envcheck import knowledge
from envcheck.knowledge import builds, cuda
from envcheck.knowledge.frameworks import newest
from envcheck.knowledge.releases import releases, tracked

SNAPSHOT = Path(__file__).parent.parent / "snapshots" / "0.1.0-jax-on-cpu.json"
ORIGIN = {"source": "our own machines, measured", "checked": "2026-11-23"}


@pytest.fixture(autouse=True)
def without_overlay() -> Iterator[None]:
    yield
    knowledge.use_overlay(None)


def write(folder: Path, table: str, *rows: dict[str, object]) -> None:
    file = folder / f"{table}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"rows": [{**row, **ORIGIN} for row in rows]}))


def envcheck(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "envcheck", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "ENVCHECK_KNOWLEDGE": str(folder)},
        timeout=120,
    )


def test_a_row_is_replaced_and_one_is_added(tmp_path: Path) -> None:
    write(
        tmp_path,
        "cuda_drivers",
        {"cuda": "12", "linux": "999.1", "windows": "999.2"},
        {"cuda": "99", "linux": "1000.1", "windows": "1000.2"},
    )
    before = cuda.minimum_driver(Version("11.8"))
    knowledge.use_overlay(str(tmp_path))
    rows = [cuda.minimum_driver(Version(version)) for version in ("12.4", "99.1")]
    assert [row.linux if row else None for row in rows] == ["999.1", "1000.1"]
    assert cuda.minimum_driver(Version("11.8")) == before
    knowledge.use_overlay(None)
    assert cuda.minimum_driver(Version("99.1")) is None


def test_a_common_source_of_a_table_holds_for_its_rows(tmp_path: Path) -> None:
    row = {"distribution": "torch", "versions": "==9.9", "variant": "mine", "index": "https://example.org/simple"}
    (tmp_path / "builds.json").write_text(json.dumps({**ORIGIN, "rows": [row]}))
    knowledge.use_overlay(str(tmp_path))
    assert [build.source for build in builds.builds("torch", "9.9")] == [ORIGIN["source"]]


def test_releases_are_added_to_a_table_and_as_a_new_table(tmp_path: Path) -> None:
    release = {"version": "99.0", "wheels": {"manylinux_2_28_x86_64": "cp399-cp399"}, "sdist": False}
    table = json.dumps({**ORIGIN, "since": "", "releases": [release]})
    (tmp_path / "releases").mkdir()
    for name in ("torch", "our-framework"):
        (tmp_path / "releases" / f"{name}.json").write_text(table)
    known = len(releases("torch"))
    knowledge.use_overlay(str(tmp_path))
    assert len(releases("torch")) == known + 1
    assert releases("torch")[0].wheels == ("cp399-cp399-manylinux_2_28_x86_64",)
    assert newest("torch", "3.99") == "99.0"
    assert "our-framework" in tracked()


def test_the_command_line_judges_by_it(tmp_path: Path) -> None:
    write(tmp_path, "unmaintained", {"distribution": "numpy", "name": "NumPy of ours", "last": "1.0 (1999)"})
    arguments = ("report", "--snapshot", str(SNAPSHOT), "--format", "json")
    report = json.loads(envcheck(tmp_path, *arguments).stdout)
    assert "NumPy of ours is no longer maintained" in [finding["title"] for finding in report["findings"]]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "is no longer maintained" not in envcheck(empty, *arguments).stdout


def test_the_library_judges_by_it(tmp_path: Path) -> None:
    write(tmp_path, "unmaintained", {"distribution": "numpy", "name": "NumPy of ours", "last": "1.0 (1999)"})
    program = "import envcheck, sys; print(*(finding.id for finding in envcheck.load(sys.argv[1]).findings))"
    result = subprocess.run(
        [sys.executable, "-c", program, str(SNAPSHOT)],
        capture_output=True,
        text=True,
        env={**os.environ, "ENVCHECK_KNOWLEDGE": str(tmp_path)},
        timeout=120,
    )
    assert "legacy-backend-unmaintained" in result.stdout, result.stderr


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("cuda_drivers.json", "{", "line 1 column 2"),
        ("cuda_drivers.json", "[]", "list"),
        ("cuda_drivers.json", "{}", "'rows'"),
        ("cuda_drivers.json", json.dumps({"rows": [{"cuda": "12", **ORIGIN}]}), "`linux`"),
        ("cuda_drivers.json", json.dumps({"rows": [{"cuda": "1", "linux": "5", "windows": "5"}]}), "`source`"),
        (
            "cuda_drivers.json",
            json.dumps({"rows": [{"cuda": "1", "linux": "new", "windows": "5", **ORIGIN}]}),
            "Invalid version: 'new'",
        ),
        (
            "cuda_drivers.json",
            json.dumps({"rows": [{"cuda": "1", "linux": "5", "windows": "5", "source": "us", "checked": "today"}]}),
            "today",
        ),
        ("builds.json", json.dumps({"rows": [{"distribution": "torch", "versions": "2.x", **ORIGIN}]}), "2.x"),
        ("cuda_driver.json", "{}", "there is no table of that name; there are amd_devices,"),
        ("releases/torch.json", "{", "truncated"),
        (
            "releases/torch.json",
            json.dumps({**ORIGIN, "since": "", "releases": [{"version": "new"}]}),
            "Invalid version: 'new'",
        ),
        (
            "releases/torch.json",
            json.dumps({**ORIGIN, "since": "", "releases": [{"version": "1", "requires": ["numpy ><"]}]}),
            "numpy",
        ),
    ],
)
def test_a_broken_table_is_named_with_the_reason(tmp_path: Path, name: str, content: str, words: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(content)
    with pytest.raises(knowledge.KnowledgeError) as error:
        knowledge.use_overlay(str(tmp_path))
    assert str(error.value).startswith(str(tmp_path / name))
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert cuda.minimum_driver(Version("12.4"))  # what envcheck knows itself is there again


def test_the_command_line_says_what_is_wrong_and_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "xid.json").write_text("no JSON")
    result = envcheck(tmp_path, "report", "--snapshot", str(SNAPSHOT))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [f"Error: {tmp_path / 'xid.json'}: Expecting value: line 1 column 1 (char 0)"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    result = envcheck(tmp_path / "nowhere", "rules")
    assert result.returncode == 2
    assert result.stderr.splitlines() == [f"Error: ENVCHECK_KNOWLEDGE names {tmp_path / 'nowhere'}, which is no folder"]


def test_other_files_in_the_folder_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("ours")
    knowledge.use_overlay(str(tmp_path))
    assert knowledge.folders()[1:] == (tmp_path,)
