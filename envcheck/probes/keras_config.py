"""keras.json: where Keras looks for it, what it says, and what Keras makes of it.

Keras 3 (keras/src/backend/config.py of 3.15), Keras 2 for several backends (keras/backend/load_backend.py of 2.3) and
Keras 2 for TensorFlow alone (keras/backend.py of 2.10) go about it in the same way, but for one thing: the last does
not fall back on /tmp where the home folder is not writable.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from envcheck.host import Host
from envcheck.model.unknown import Unknown
from envcheck.probes import home

FLOATX = ("float16", "float32", "float64")
IMAGE_DATA_FORMATS = ("channels_first", "channels_last")


@dataclass(frozen=True)
class Config:
    """``status`` and ``writable`` as in :class:`envcheck.model.facts.Keras`."""

    path: str
    status: str | Unknown
    error: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    writable: bool = True
    fallback: bool = False  #: the home folder is not writable, so that it lies below /tmp


def read(host: Host, falls_back: bool) -> Config:
    """Look for keras.json as the user's Keras does, and read it. ``falls_back``: that Keras falls back on /tmp."""
    folder, fallback = _folder(host, falls_back)
    path = os.path.join(host.cwd, home.expand(host, os.path.join(folder, "keras.json")))
    files = host.unrooted()
    writable = _writable(path)
    if files.exists(path) is not True:
        return Config(path, "absent", writable=writable, fallback=fallback)
    data = files.read_bytes(path)
    if not isinstance(data, bytes):
        reason = data.detail if isinstance(data, Unknown) else "it is gone"
        return Config(path, "unreadable", reason, writable=writable, fallback=fallback)
    status, error, values = judge(data)
    return Config(path, status, error, values, writable, fallback)


def judge(data: bytes) -> tuple[str, str | None, Mapping[str, Any]]:
    """Return what Keras makes of a keras.json: status, what is wrong with it, and the settings in force."""
    try:
        content = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        return "malformed", str(error), {}
    if not isinstance(content, dict):
        return "invalid", f"it holds no settings, but {json.dumps(content)[:80]}", {}
    floatx = content.get("floatx", "float32")
    if floatx not in FLOATX:
        return "invalid", f"floatx is {floatx!r}, which is none of {', '.join(FLOATX)}", content
    epsilon = content.get("epsilon", 1e-7)
    if not isinstance(epsilon, float):
        return "invalid", f"epsilon is {epsilon!r}, which is no floating-point number", content
    image_data_format = content.get("image_data_format", "channels_last")
    if image_data_format not in IMAGE_DATA_FORMATS:
        return "invalid", f"image_data_format is {image_data_format!r}, not {' or '.join(IMAGE_DATA_FORMATS)}", content
    return "ok", None, content


def _folder(host: Host, falls_back: bool) -> tuple[str, bool]:
    """Return Keras's own folder, and whether it is a makeshift below /tmp."""
    own = host.environ.get("KERAS_HOME")
    if own is not None:
        return own, False
    base = home.folder(host)
    if base is None:
        base = "~"  # what expanduser() leaves where there is no home: a folder of that name, most likely absent
    if falls_back and not os.access(os.path.join(host.cwd, base), os.W_OK):
        return os.path.join("/tmp", ".keras"), True
    return os.path.join(base, ".keras"), False


def _writable(path: str) -> bool:
    """Say whether Keras can write the file: itself, or where it does not exist, the nearest folder that does."""
    while not os.path.lexists(path):
        parent = os.path.dirname(path)
        if parent == path:
            return False
        path = parent
    return os.access(path, os.W_OK)
