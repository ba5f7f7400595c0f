"""What the renderers print for the sample reports, kept in tests/golden.

    PYTHONPATH=.:tests python -m render.goldens

writes the files anew after a wanted change; read the diff before you commit it.

All facts stand at the end of the long forms and change with every new field of the model, so the
files end before them; other tests look at that part.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from render import report_samples as samples

from envcheck.model.report import EXPLANATION_SCHEMA, Evidence, Explanation
from envcheck.render import explanation, fixes, html, junit, markdown, rules, scripts, terminal, words
from envcheck.render.style import Style

FOLDER = Path(__file__).parent.parent / "golden"

STYLES = {
    "80": Style(),
    "40": Style(width=40),
    "120": Style(width=120),
    "ascii": Style(unicode=False),
    "40-ascii": Style(width=40, unicode=False),
    "colour": Style(colour=True),
    "quiet": Style(quiet=True),
    "verbose": Style(verbose=True),
}

EXPLAINED = Explanation(
    schema=EXPLANATION_SCHEMA,
    envcheck="0.1.0",
    findings=(
        samples.finding(
            "cudnn-too-old",
            layer="backend",
            title="The cuDNN that is loaded is older than the one TensorFlow was built with",
            evidence=(Evidence(fact="log:12", value="Loaded runtime CuDNN library: 8.0.5, compiled with: 8.1.0"),),
            fixes=(
                samples.fix("Install the one it was built with", "python -m pip install 'nvidia-cudnn-cu12==8.9.*'"),
            ),
        ),
        samples.finding("factory-registered-twice", "info", "backend", title="A harmless notice of TensorFlow"),
    ),
)
NOT_EXPLAINED = Explanation(schema=EXPLANATION_SCHEMA, envcheck="0.1.0", findings=())
SUSPICIOUS = ((3, "RuntimeError: something else"), (17, samples.HOSTILE))

RULES = (
    rules.RuleRow(
        id="nouveau-bound-to-gpu",
        layer="driver",
        severity="error",
        title="The nouveau driver holds {device}",
        documentation="The open driver nouveau has taken the GPU\nbefore NVIDIA's own could.\n\n- one\n- two",
        after=("secure-boot-blocks-module",),
    ),
    rules.RuleRow(
        id="tf-keras-missing",
        layer="keras",
        severity="warning",
        title="Keras 2 is asked for, but tf-keras is not installed",
        documentation="",
        after=(),
    ),
)


def texts() -> dict[str, Callable[[], str]]:
    """Return what makes the text of each file."""
    made: dict[str, Callable[[], str]] = {}
    for name, sample in samples.SAMPLES.items():
        shapes = ("80",) if name == "hostile" else STYLES
        for shape in shapes:
            made[f"{name}.{shape}.txt"] = lambda sample=sample, shape=shape: before_all_facts(
                terminal.render(sample(), STYLES[shape])
            )
        made[f"{name}.md"] = lambda sample=sample: before_all_facts(markdown.render(sample()))
        made[f"{name}.junit.xml"] = lambda sample=sample: junit.render(sample())
        made[f"{name}.fixes.txt"] = lambda sample=sample: fixes.text(sample(), Style())
        made[f"{name}.fixes.sh"] = lambda sample=sample: scripts.script(sample())
        made[f"{name}.fixes.md"] = lambda sample=sample: fixes.markdown(sample())
    for name, sample in samples.DRIVERS.items():
        made[f"{name}.80.txt"] = lambda sample=sample: before_all_facts(terminal.render(sample(), Style()))
    for name in ("driver-missing", "hostile"):
        made[f"{name}.html"] = lambda name=name: before_all_facts(html.render(samples.SAMPLES[name]()))
    made["driver-missing.fixes.json"] = lambda: fixes.json(samples.driver_missing())
    made["explained.txt"] = lambda: explanation.text(EXPLAINED, Style())
    made["explained.md"] = lambda: explanation.markdown(EXPLAINED)
    made["explained.json"] = lambda: explanation.json(EXPLAINED)
    made["not-explained.txt"] = lambda: explanation.text(NOT_EXPLAINED, Style(), SUSPICIOUS)
    made["not-explained.md"] = lambda: explanation.markdown(NOT_EXPLAINED, SUSPICIOUS)
    made["nothing-suspicious.txt"] = lambda: explanation.text(NOT_EXPLAINED, Style())
    made["rules.txt"] = lambda: rules.listing(RULES, Style())
    made["rules.md"] = lambda: rules.listing_markdown(RULES)
    made["rules.json"] = lambda: rules.json(RULES)
    made["rule.txt"] = lambda: rules.page(RULES[0], Style(width=40))
    made["rule.md"] = lambda: rules.page_markdown(RULES[0])
    return made


def before_all_facts(text: str) -> str:
    return text.partition(words.ALL_FACTS)[0].rstrip() + "\n"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    made = texts()
    for old in FOLDER.iterdir():
        if old.name not in made:
            old.unlink()
    for name, make in made.items():
        (FOLDER / name).write_text(make(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    sys.exit(main())
