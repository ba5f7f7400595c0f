"""Theano, and its successors under the same name."""

import os
import re

from envcheck.probes.framework_reading import Build, Files, Framework, text_or_none

VERSION_FILES = ("_version.py", "generated_version.py")  #: 1.0 (versioneer), up to 0.10


def read(files: Files) -> Build:
    for name in VERSION_FILES:
        recorded = re.search(r'"version": "([^"]+)"', files.text(name) or "")
        values = files.values(name)
        version = recorded[1] if recorded else text_or_none(values.get("full_version") or values.get("version"))
        if version:
            return Build(version=version, how=os.path.join(files.folder, name))
    return Build()


FRAMEWORK = Framework(name="theano", module="theano", position=4, read=read, distributions=("theano", "theano-pymc"))
