"""What the Xid numbers in the kernel log mean, with which NVIDIA's driver reports errors of a GPU."""

import functools
import json
from dataclasses import dataclass
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class Xid:
    """One number of NVIDIA's catalogue."""

    code: int
    meaning: str
    severity: str  #: ``critical``, ``error``, ``warning``, ``info`` or ``unknown``
    category: str | None  #: such as ``application``, ``memory``, ``bus_power``, ``nvlink``, ``gsp``
    action: str | None  #: what NVIDIA's catalogue tells to do first, in words


def xid(code: int) -> Xid | None:
    """Return what is known of an Xid number, or None."""
    document = _document()
    row = document["codes"].get(str(code))
    if row is None:
        return None
    return Xid(code, row["meaning"], row["severity"], row["category"], document["actions"].get(row["action"]))


@functools.cache
def _document() -> Any:
    return json.loads(resources.files("envcheck.knowledge").joinpath("xid.json").read_text("utf-8"))
