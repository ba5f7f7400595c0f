"""The knowledge base as data: every row loads, is there once, and says where it is from and when it was checked."""

import json
import warnings
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import parse_tag
from packaging.utils import canonicalize_name
from packaging.version import Version

import envcheck.knowledge
from envcheck import knowledge
from envcheck.knowledge.releases import Table, releases, tracked
from envcheck.knowledge.store import read
from envcheck.knowledge.tables import TABLES

FOLDER = Path(envcheck.knowledge.__path__[0])
RELEASES = sorted(FOLDER.glob("releases/*.json"))
MAY_BE_OLD = timedelta(days=183)
FRAMEWORKS = ("tensorflow", "keras", "tf-keras", "torch", "jax", "jaxlib", "openvino", "paddlepaddle", "theano", "cntk")


def rows_of(table: str) -> list[dict[str, object]]:
    document = json.loads((FOLDER / f"{table}.json").read_text())
    common = {name: document[name] for name in ("source", "checked") if name in document}
    return [{**common, **row} for row in document["rows"]]


def is_past(day: str) -> bool:
    return date(2026, 1, 1) <= date.fromisoformat(day) <= datetime.now(timezone.utc).date()


def test_every_file_is_a_known_table() -> None:
    assert sorted(file.stem for file in FOLDER.glob("*.json")) == sorted(TABLES)


@pytest.mark.parametrize("table", TABLES)
def test_every_row_is_of_its_kind_and_there_once(table: str) -> None:
    # Rows with the same key would replace each other in silence.
    assert len(knowledge.load(table, TABLES[table])) == len(rows_of(table)) > 0


@pytest.mark.parametrize("table", TABLES)
def test_every_row_names_its_source_and_day(table: str) -> None:
    for row in knowledge.load(table, TABLES[table]):
        assert len(row.source) > 10
        assert is_past(row.checked)


def test_the_page_on_the_tables_names_each_with_its_key() -> None:
    page = (FOLDER.parent.parent / "docs" / "knowledge.md").read_text(encoding="utf-8")
    for table, kind in TABLES.items():
        line = next((line for line in page.splitlines() if f"`{table}.json`" in line), "")
        assert all(f"`{name}`" in line for name in kind.KEY), table


# --- releases -------------------------------------------------------------------------------------


def stored(file: Path) -> Table:
    table = read(file)
    assert table is not None
    return table


@pytest.mark.parametrize("file", RELEASES, ids=lambda file: file.stem)
def test_a_table_of_releases_can_be_read_to_the_last_line(file: Path) -> None:
    table = stored(file)
    assert len(table.source) > 10
    assert is_past(table.checked)
    if date.fromisoformat(table.checked) + MAY_BE_OLD < datetime.now(timezone.utc).date():
        warnings.warn(f"{file.stem} was checked on {table.checked}: python -m envcheck.knowledge refresh", stacklevel=1)
    assert file.stem == canonicalize_name(file.stem)
    versions = [Version(release.version) for release in table.releases]
    assert versions == sorted(set(versions), reverse=True) != []
    assert not any(version.is_prerelease for version in versions)
    assert not table.since or versions[-1] >= Version(table.since)
    for release in table.releases:
        SpecifierSet(release.requires_python)
        assert all(canonicalize_name(Requirement(line).name) in tracked() for line in release.requires)
    tags = {tag for release in releases(file.stem) for tag in release.wheels}
    assert all(len(parse_tag(tag)) == 1 for tag in tags)


def test_every_framework_has_its_table() -> None:
    assert set(FRAMEWORKS) <= tracked()
    assert all(releases(name) for name in FRAMEWORKS)


def test_what_is_not_in_a_table_is_unknown() -> None:
    assert releases("no-such-distribution") == ()


def test_names_are_normalised() -> None:
    assert releases("TF_Keras") == releases("tf-keras") != ()


def test_facts_of_releases() -> None:
    tensorflow = {release.version: release for release in releases("tensorflow")}
    assert "cp312-cp312-manylinux_2_17_x86_64" in tensorflow["2.16.1"].wheels
    assert not any(tag.startswith("cp313-") for tag in tensorflow["2.16.1"].wheels)
    assert tensorflow["2.16.1"].requires_python == ">=3.9"
    assert "keras>=3.0.0" in tensorflow["2.16.1"].requires
    keras = next(line for line in tensorflow["2.15.1"].requires if line.startswith("keras"))
    assert Requirement(keras).specifier == SpecifierSet(">=2.15.0,<2.16")
    cudnn = next(line for line in tensorflow["2.21.0"].requires if line.startswith("nvidia-cudnn"))
    assert str(Requirement(cudnn).marker) == 'extra == "and-cuda"'


def test_the_newest_release_comes_first() -> None:
    numpy = [Version(release.version) for release in releases("numpy")]
    assert numpy[0] > Version("2.5")
    assert numpy == sorted(numpy, reverse=True)
