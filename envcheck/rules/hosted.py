"""Hosted notebooks whose image brings libraries of its own."""

from collections.abc import Iterator

from envcheck.fixes.files import by_hand
from envcheck.model.facts import Facts
from envcheck.model.unknown import need
from envcheck.rules.allocations import HOSTED
from envcheck.rules.cudnn import cudnn_older_than_build
from envcheck.rules.engine import Failure, NotApplicable, rule
from envcheck.rules.searches import bring
from envcheck.rules.shared import backend
from envcheck.words import template

COLAB = "https://research.google.com/colaboratory/faq.html"
AS_IT_WAS = template("Go back to the release of the image: Runtime > Disconnect and delete runtime, or a new session")


@rule(
    "framework-newer-than-hosted-image",
    severity="error",
    layer="platform",
    title=template("The installed {framework} is newer than what {service} brings for it"),
    message=template(
        "{framework} {version} was installed into an image of {service} that has cuDNN {found} ({path}), and asks for "
        "{wanted} or newer. The image's own release of the framework goes with the image's libraries, another one "
        "needs libraries of its own."
    ),
)
def framework_newer_than_hosted_image(facts: Facts) -> Iterator[Failure]:
    """On Colab or Kaggle a framework was installed over the one that the image came with, without its CUDA libraries.

    Sign: 'Loaded runtime CuDNN library: ... but source was compiled with: ...' after 'pip install -U' in a notebook.
    """
    hosted = need(facts.platform.cloud.hosted)
    if hosted not in HOSTED:
        raise NotApplicable("neither Colab nor Kaggle")
    for older in cudnn_older_than_build(facts):
        found = backend(facts, older.subject or "")
        if found is None:
            continue
        yield Failure(
            evidence=("/platform/cloud/hosted", *older.evidence),
            fields={**older.fields, "service": HOSTED[str(hosted)]},
            fixes=(by_hand(AS_IT_WAS, COLAB), bring(facts, found[1])),
            subject=older.subject,
            severity=older.severity,
        )
