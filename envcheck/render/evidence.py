"""Evidence for people: where a fact stands in words instead of a pointer, and the same words not twice."""

from collections.abc import Iterator
from typing import Any

import msgspec

from envcheck.model.report import Evidence, Finding, Report

NAMES = ("name", "backend", "framework", "address", "purpose", "path", "pci_address", "kernel", "module")
"""The fields by which a person knows one item of a list, the first that an item has."""
UNTOLD = ("volatile",)
STEP = " > "


def in_words(report: Report) -> Report:
    """Return the report with words in place of the JSON pointers of its evidence, such as 'packages > numpy > version'.

    The JSON report keeps the pointers.
    """
    if not any(finding.evidence for finding in report.findings):
        return report
    facts = msgspec.to_builtins(report.facts)
    findings = tuple(
        msgspec.structs.replace(finding, evidence=tuple(_told(facts, finding))) for finding in report.findings
    )
    return msgspec.structs.replace(report, findings=findings)


def _told(facts: Any, finding: Finding) -> Iterator[Evidence]:
    told = set()
    for seen in finding.evidence:
        is_sentence = isinstance(seen.value, str) and " " in seen.value
        if is_sentence and seen.value in told:
            continue
        told.add(str(seen.value))
        yield Evidence(fact=place(facts, seen.fact), value=seen.value)


def place(facts: Any, pointer: str) -> str:
    """Return where a JSON pointer leads, in words; what leads nowhere stays as it is."""
    words, here = [], facts
    for token in pointer.split("/")[1:]:
        try:
            inner = here[int(token)] if isinstance(here, list | tuple) else here[token]
        except (KeyError, IndexError, TypeError, ValueError):
            return pointer
        if isinstance(here, list | tuple):
            words += [_name(inner)] if isinstance(inner, dict) else []
        elif token not in UNTOLD:
            words.append(token.replace("_", " "))
        here = inner
    return STEP.join(word for word in words if word) or pointer


def _name(item: dict[str, Any]) -> str:
    name = next((item[key] for key in NAMES if isinstance(item.get(key), str)), "")
    device = item.get("device")
    return f"{name} on {device}" if "backend" in item and isinstance(device, str) else name
