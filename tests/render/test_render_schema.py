"""The JSON Schemas: they say what the model says, and what is printed obeys them."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from render import goldens, report_samples as samples

from envcheck import schema
from envcheck.model.report import Explanation
from envcheck.render import explanation, fixes, json as render_json

DOCS = Path(__file__).parent.parent.parent / "docs"


def validator(name: str) -> Any:
    return jsonschema.Draft202012Validator(json.loads(schema.committed(name)))


@pytest.mark.parametrize("name", sorted(schema.DOCUMENTS))
def test_the_committed_file_is_what_the_model_says(name: str) -> None:
    assert schema.committed(name) == schema.generate(name), "run: python -m envcheck.schema"
    jsonschema.Draft202012Validator.check_schema(json.loads(schema.committed(name)))


@pytest.mark.parametrize("name", sorted(schema.DOCUMENTS))
def test_the_docs_hold_the_same_file(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == schema.committed(name), "run: python docs/generate.py"


@pytest.mark.parametrize("sample", sorted(samples.SAMPLES))
def test_reports_obey_the_schema(sample: str) -> None:
    document = json.loads(render_json.render(samples.SAMPLES[sample]()))
    assert [error.message for error in validator("report.schema.json").iter_errors(document)] == []


@pytest.mark.parametrize("told", [goldens.EXPLAINED, goldens.NOT_EXPLAINED])
def test_explanations_obey_the_schema(told: Explanation) -> None:
    document = json.loads(explanation.json(told))
    assert [error.message for error in validator("explanation.schema.json").iter_errors(document)] == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("schema",), "envcheck.report/2"),
        (("verdict",), "fine"),
        (("facts", "hardware", "memory", "total_bytes"), "much"),
        (("facts", "driver", "nvidia", "version"), {"unknown": "no idea"}),
        (("findings", 0, "severity"), "fatal"),
        (("findings", 0, "fixes", 0, "commands"), "rm"),
    ],
)
def test_what_is_wrong_does_not_obey_the_schema(place: tuple[str | int, ...], value: object) -> None:
    document: Any = json.loads(render_json.render(samples.driver_missing()))
    record = document
    for key in place[:-1]:
        record = record[key]
    record[place[-1]] = value
    assert not validator("report.schema.json").is_valid(document)


def test_json_has_the_shape_of_the_contract() -> None:
    text = render_json.render(samples.driver_missing())
    assert text.startswith('{\n  "schema": "envcheck.report/1",\n  "envcheck": "0.1.0",\n')
    assert text.endswith("}\n")
    document = json.loads(text)
    assert set(document) >= {"schema", "envcheck", "created", "verdict", "facts", "findings"}
    assert list(document["facts"]) == [
        "platform",
        "hardware",
        "driver",
        "python",
        "backends",
        "keras",
        "notebook",
        "smoke",
        "parity",
        "pairs",
    ]
    assert document["facts"]["backends"][0]["import"]["status"] == "ok"
    assert document["findings"][0]["evidence"][2]["value"] == {"unknown": "failed", "detail": "no library"}
    assert document["findings"][0]["explained_by"] is None


@pytest.mark.parametrize("name", sorted(samples.SAMPLES))
def test_fixes_obey_their_schema(name: str) -> None:
    document = json.loads(fixes.json(samples.SAMPLES[name]()))
    assert [error.message for error in validator("fixes.schema.json").iter_errors(document)] == []
