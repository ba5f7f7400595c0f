"""The JSON Schemas of what envcheck writes: part of the package, and generated from the model.

python -m envcheck.schema       write the files anew after a change of the model
"""

import inspect
import json
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from envcheck.model.record import Record
from envcheck.model.report import EXPLANATION_SCHEMA, FIXES_SCHEMA, REPORT_SCHEMA, Explanation, Report, Steps

DIALECT = "https://json-schema.org/draft/2020-12/schema"

#: File in the package -> the record that it describes, and the document's name for itself.
DOCUMENTS: dict[str, tuple[type[Record], str]] = {
    "report.schema.json": (Report, REPORT_SCHEMA),
    "explanation.schema.json": (Explanation, EXPLANATION_SCHEMA),
    "fixes.schema.json": (Steps, FIXES_SCHEMA),
}


def generate(name: str) -> str:
    """Return the text of one of :data:`DOCUMENTS`, as the model says now."""
    record, document = DOCUMENTS[name]
    schema: dict[str, Any] = {
        "$schema": DIALECT,
        "$id": f"urn:{document.replace('.', ':').replace('/', ':')}",
        "title": document,
        **_tidy(msgspec.json.schema(record)),
    }
    return json.dumps(schema, indent=2) + "\n"


def _tidy(value: Any) -> Any:
    """Unindent the descriptions, which are docstrings: Python 3.13 does so itself, older ones do not."""
    if isinstance(value, dict):
        return {
            key: inspect.cleandoc(item) if key == "description" and isinstance(item, str) else _tidy(item)
            for key, item in value.items()
        }
    return [_tidy(item) for item in value] if isinstance(value, list) else value


def committed(name: str) -> str:
    """Return the text of one of :data:`DOCUMENTS`, as the package holds it."""
    return resources.files("envcheck").joinpath(name).read_text(encoding="utf-8")


def main() -> None:
    for name in DOCUMENTS:
        Path(__file__).with_name(name).write_text(generate(name), encoding="utf-8")


if __name__ == "__main__":
    main()
