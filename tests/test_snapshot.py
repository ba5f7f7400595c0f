"""Snapshots: strictly decoded, and whatever else comes in gets one clear sentence."""

import copy
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from documents import complete
from hypothesis import given, strategies as st

from envcheck.model.report import Report
from envcheck.model.unknown import Unknown
from envcheck.snapshot import SnapshotError, load_report

#: Reports that were really written by some version of envcheck. Each must load for ever.
SAVED = sorted((Path(__file__).parent / "snapshots").glob("*.json"))


def document(unknown: bool = False) -> dict[str, Any]:
    whole = complete(Report, lambda place: f"text of {place}", unknown=unknown)
    assert isinstance(whole, dict)
    return whole


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


def refusal(data: bytes) -> str:
    with pytest.raises(SnapshotError) as raised:
        load_report(data, "machine.json")
    message = str(raised.value)
    assert message.startswith("machine.json ") and message.isprintable() and message.endswith(".")
    return message


@pytest.mark.parametrize("unknown", [False, True])
def test_a_report_comes_back_as_it_was_written(unknown: bool) -> None:
    report = load_report(encoded(document(unknown)), "machine.json")
    assert msgspec.json.decode(msgspec.json.encode(report)) == document(unknown)
    assert load_report(msgspec.json.encode(report), "again") == report


@pytest.mark.parametrize("path", SAVED, ids=lambda path: path.name)
def test_a_report_of_an_earlier_version_loads(path: Path) -> None:
    report = load_report(path.read_bytes(), path.name)
    saved = json.loads(path.read_text(encoding="utf-8"))
    assert contains(msgspec.json.decode(msgspec.json.encode(report)), saved)


def test_there_are_reports_of_earlier_versions() -> None:
    assert SAVED


def contains(loaded: Any, saved: Any) -> bool:
    """Say whether everything that was saved is still there; fields may have come, not gone."""
    if isinstance(saved, dict):
        return isinstance(loaded, dict) and all(key in loaded and contains(loaded[key], saved[key]) for key in saved)
    if isinstance(saved, list):
        return len(loaded) == len(saved) and all(map(contains, loaded, saved))
    return bool(loaded == saved)


def test_fields_of_a_later_version_are_left_out() -> None:
    later = document()
    later["weather"] = {"outside": ["rain"]}
    later["facts"]["platform"]["moon"] = None
    later["findings"][0]["fixes"][0]["stars"] = 5
    assert load_report(encoded(later), "later.json") == load_report(encoded(document()), "now.json")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_that_shells_write(encoding: str) -> None:
    whole = document()
    whole["findings"][0]["title"] = "Größe 日本"
    report = load_report(json.dumps(whole, ensure_ascii=False).encode(encoding), "machine.json")
    assert report.findings[0].title == "Größe 日本"


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("facts", "platform", "system"), 5, "$.facts.platform.system"),
        (("facts", "hardware", "cpu", "cores_logical"), "eight", "$.facts.hardware.cpu.cores_logical"),
        (("facts", "hardware", "cpu", "cores_logical"), 8.5, "$.facts.hardware.cpu.cores_logical"),
        (("facts", "driver", "nvidia", "gpus", 0, "name"), None, "$.facts.driver.nvidia.gpus[0].name"),
        (("facts", "python", "path"), {"unknown": "no idea"}, "$.facts.python.path.unknown"),
        (("facts", "keras"), [], "$.facts.keras"),
        (("verdict",), "excellent", "$.verdict"),
        (("findings", 0, "fixes", 0, "restart"), "planet", "$.findings[0].fixes[0].restart"),
        (("created",), None, "$.created"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(path: tuple[str | int, ...], value: Any, named: str) -> None:
    whole = document()
    place: Any = whole
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    message = refusal(encoded(whole))
    assert "damaged" in message and f"`{named}`" in message


def test_a_missing_field_is_named() -> None:
    whole = document()
    del whole["facts"]["keras"]
    message = refusal(encoded(whole))
    assert "`keras`" in message and "`$.facts`" in message


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b" \n\t", "is empty"),
        (b"{", "not JSON"),
        (b"Traceback (most recent call last):", "not JSON"),
        (b'{"schema": "envcheck.report/1", "envcheck": NaN}', "not JSON"),
        (b'{"schema": "envcheck.report/1", "envcheck": "\\ud800"}', "not JSON"),
        (b"null", "no report of envcheck"),
        (b"[]", "no report of envcheck"),
        (b"{}", "no report of envcheck"),
        (b'{"schema": 1}', "no report of envcheck"),
        (b'{"schema": "envcheck.explanation/1", "findings": []}', "another kind (envcheck.explanation/1)"),
        (b'{"schema": "envcheck.report/"}', "another kind"),
        (b'{"schema": "envcheck.report/0"}', "another kind"),
        (b'{"schema": "evil\\n\\u001b[31m"}', "another kind"),
        (b'{"schema": "envcheck.report/2"}', "newer envcheck"),
        (b'{"schema": "envcheck.report/10", "facts": 3}', "newer envcheck"),
        (b"\x7fELF\x02\x01\x01\x00\xff", "binary data"),
        (b"\xff\xfe\x00", "binary data"),
        (b"PK\x03\x04", "not JSON"),
        (b'{"schema": "envcheck.report/1", "x": ' + b"[" * 1_000_000, "nested too deeply"),
        (b'{"x": ' * 1_000_000, "nested too deeply"),
        (b'{"schema": "envcheck.report/1"}' + b" " * (64 * 1024 * 1024), "bytes"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else None,
)
def test_what_is_no_report_gets_a_sentence(data: bytes, words: str) -> None:
    assert words in refusal(data)


# --- anything at all ------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
WHOLE = {unknown: document(unknown) for unknown in (False, True)}


def load_or_refuse(data: bytes) -> None:
    try:
        report = load_report(data, "machine.json")
    except SnapshotError as error:
        message = str(error)
        assert message.startswith("machine.json ") and message.isprintable() and len(message) < 1000
    else:
        assert isinstance(report, Report)
        msgspec.json.encode(report)  # what was let in can be written again


@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    load_or_refuse(data)


@given(JSON)
def test_any_json(value: Any) -> None:
    load_or_refuse(encoded(value))


@given(st.data())
def test_any_damage_to_a_report(data: st.DataObject) -> None:
    whole = copy.deepcopy(WHOLE[data.draw(st.booleans())])
    for _ in range(data.draw(st.integers(1, 3))):
        place: Any = whole
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if isinstance(place[key], dict | list) and data.draw(st.booleans()):
                place = place[key]
            elif isinstance(place, dict) and data.draw(st.booleans()):
                del place[key]
                break
            else:
                place[key] = data.draw(JSON)
                break
    load_or_refuse(encoded(whole))


@given(st.data())
def test_any_damage_to_its_text(data: st.DataObject) -> None:
    text = encoded(WHOLE[data.draw(st.booleans())])
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, min(len(text), start + 50)))
    load_or_refuse(text[:start] + data.draw(st.binary(max_size=20)) + text[stop:])


def test_the_fields_that_are_damaged_have_an_unknown() -> None:
    # The damage above starts from reports in which everything, and nothing, could be seen.
    report = load_report(encoded(WHOLE[True]), "unknown.json")
    assert isinstance(report.facts.backends, Unknown)
    assert not isinstance(load_report(encoded(WHOLE[False]), "known.json").facts.backends, Unknown)
