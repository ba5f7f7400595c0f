"""The fix for a module that a framework imports and nobody installed."""

import re

from packaging.utils import canonicalize_name

from envcheck.fixes import packages, shell, solved
from envcheck.fixes.solver.solve import FRAMEWORKS
from envcheck.knowledge.releases import tracked
from envcheck.model.facts import Facts
from envcheck.model.report import Fix
from envcheck.model.unknown import known
from envcheck.words import template, title_of

NOT_FOUND = re.compile(r"ModuleNotFoundError: No module named '(\w+)")
INSTALL = template("Install {distribution}, which {framework} imports and no package brought")


def install_missing(facts: Facts, framework: str, error: str | None) -> tuple[Fix, ...]:
    """Return the fix that installs the module that an error names; () where it is not known which package has it.

    A module and its package may differ in name, so only packages of the tables count (PaddlePaddle imports setuptools,
    and Keras on OpenVINO scipy, without requiring them).
    """
    match = NOT_FOUND.search(error or "")
    module = match[1] if match else ""
    name = canonicalize_name(module)
    if name not in tracked() or name in FRAMEWORKS or any(p.name == name for p in known(facts.python.packages, ())):
        return ()
    return (
        solved.change(
            facts,
            INSTALL,
            {"distribution": name, "framework": title_of(framework)},
            add=(name,),
            verify=f"{packages.python(facts)} -c {shell.words(f'import {module}')}",
        ),
    )
