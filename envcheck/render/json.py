"""The report as JSON: the contract's document, for programs."""

from typing import Any

import msgspec

from envcheck.model.report import Report


def render(report: Report) -> str:
    """Return the report as JSON, indented by 2; it ends with a newline."""
    return encode(report)


def encode(document: Any) -> str:
    """Return a record or plain data as JSON, indented by 2, with a newline at the end.

    A lone surrogate (a byte of a file name that is not UTF-8) cannot stand in JSON; it is written as ``\\udc80``.
    """
    try:
        data = msgspec.json.encode(document)
    except UnicodeEncodeError:
        data = msgspec.json.encode(_encodable(msgspec.to_builtins(document)))
    return msgspec.json.format(data, indent=2).decode() + "\n"


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(item) for item in value]
    return value
