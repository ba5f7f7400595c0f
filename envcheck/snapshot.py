"""Decode a saved report. Any JSON report of any envcheck of this schema is a snapshot.

Fields that this version does not know are left out, since the contract only grows; types are strict.
"""

import codecs
import re

import msgspec

from envcheck.model.report import REPORT_SCHEMA, Report
from envcheck.words import sentence, template

LARGEST_BYTES = 64 * 1024 * 1024  #: a report of a large environment has about 1 MiB
LONGEST_VALUE = 300

EMPTY = template("{name} is empty; a snapshot is what 'envcheck report --format json' prints.")
TOO_LARGE = template("{name} is no report of envcheck: it has {size} bytes, and a report has a few million at most.")
NO_TEXT = template("{name} is no report of envcheck: it is not text, but binary data ({detail}).")
NO_JSON = template("{name} is no report of envcheck: it is not JSON ({detail}).")
TOO_DEEP = template("{name} is no report of envcheck: its JSON is nested too deeply.")
NOT_OURS = template(
    "{name} is JSON, but no report of envcheck; a snapshot is what 'envcheck report --format json' prints."
)
OTHER_SCHEMA = template("{name} is no report of envcheck, but a document of another kind ({schema}).")
NEWER_SCHEMA = template(
    "{name} was written by a newer envcheck (its schema is {schema}, this version reads {known}); update envcheck."
)
WRONG_FIELD = template("{name} is a damaged report of envcheck: {detail} at {field}.")

#: Windows PowerShell's '>' writes UTF-16, and some editors put a mark before UTF-8.
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class SnapshotError(ValueError):
    """Raised for data that are no report; its text is one clear sentence for a person."""


class _Head(msgspec.Struct):
    schema: str


def load_report(data: bytes, name: str) -> Report:
    """Decode a report.

    ``name`` is what the user calls the data, such as the name of the file; messages begin with it.

    Raises:
        SnapshotError: if ``data`` is no report of envcheck.
    """
    if len(data) > LARGEST_BYTES:
        raise _refusal(TOO_LARGE, name=name, size=str(len(data)))
    if not data.strip():
        raise _refusal(EMPTY, name=name)
    text = _text(data, name)
    try:
        _check_schema(text, name)
        return msgspec.json.decode(text, type=Report)
    except msgspec.ValidationError as error:
        detail, _, path = str(error).rpartition(" - at ")
        raise _refusal(WRONG_FIELD, name=name, detail=detail or path, field=path if detail else "`$`") from None
    except msgspec.DecodeError as error:
        raise _refusal(NO_JSON, name=name, detail=str(error)) from None
    except RecursionError:
        raise _refusal(TOO_DEEP, name=name) from None


def _text(data: bytes, name: str) -> str:
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise _refusal(NO_TEXT, name=name, detail=str(error)) from None


def _check_schema(text: str, name: str) -> None:
    try:
        schema = msgspec.json.decode(text, type=_Head).schema
    except msgspec.ValidationError:
        raise _refusal(NOT_OURS, name=name) from None
    if schema == REPORT_SCHEMA:
        return
    family, _, number = REPORT_SCHEMA.partition("/")
    later = re.fullmatch(re.escape(family) + r"/([0-9]{1,9})", schema)
    newer = later is not None and int(later[1]) > int(number)
    raise _refusal(NEWER_SCHEMA if newer else OTHER_SCHEMA, name=name, schema=schema, known=REPORT_SCHEMA)


def _refusal(text: str, **fields: str) -> SnapshotError:
    """Fill in a sentence; what comes from the data must neither break its line nor make it endless."""
    shown = {
        key: value if len(value) <= LONGEST_VALUE else value[:LONGEST_VALUE] + "..." for key, value in fields.items()
    }
    message = sentence(text, shown)
    return SnapshotError("".join(character if character.isprintable() else "?" for character in message))
