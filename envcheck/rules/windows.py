"""Windows alone."""

import re
from collections.abc import Iterator

from envcheck.fixes.files import by_hand
from envcheck.model.facts import Backend, Facts
from envcheck.model.unknown import need
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.searches import severity
from envcheck.rules.shared import for_each_framework, last_words, title_of
from envcheck.words import template

NO_ZLIB = re.compile(r"Could not locate zlibwapi\.dll", re.IGNORECASE)
"""cuDNN 8.3 to 8.9 for Windows (NVIDIA, cuDNN 8 installation guide, 'Installing zlib')."""
CUDNN_8 = "https://docs.nvidia.com/deeplearning/cudnn/archives/cudnn-897/install-guide/index.html"
PUT_ZLIB = template(
    "Download the 64-bit zlibwapi.dll that NVIDIA's guide for cuDNN 8 names, and put it into a folder of PATH, such as "
    "the one of cuDNN's own DLLs"
)


@rule(
    "cudnn-requires-zlibwapi",
    severity="error",
    layer="driver",
    title=template("cuDNN misses zlibwapi.dll"),
    message=template(
        "cuDNN 8.3 to 8.9 for Windows needs the library zlibwapi.dll and does not bring it. {framework} ends at the "
        "first convolution: 'Could not locate zlibwapi.dll'."
    ),
)
def cudnn_requires_zlibwapi(facts: Facts) -> Iterator[Failure]:
    """cuDNN for Windows ends the process because a library for compressed files is not there.

    It asks for it at its first work, not at the import. cuDNN 9 no longer needs it.
    """
    if need(facts.platform.system) != "Windows":
        raise NotApplicable("not Windows")

    def check(index: int, found: Backend) -> Iterator[Failure]:
        said = next((pointer for pointer, words in last_words(facts, index, found) if NO_ZLIB.search(words)), None)
        if said is not None:
            yield Failure(
                evidence=(said, "/platform/system"),
                fields={"framework": title_of(found.name)},
                fixes=(by_hand(PUT_ZLIB, CUDNN_8),),
                subject=found.name,
                severity=severity(facts, found),
            )

    yield from for_each_framework(facts, check)
