"""Commands that make the target a kernel of Jupyter."""

from envcheck.fixes import packages, shell
from envcheck.model.facts import Facts
from envcheck.model.report import Fix, PackageChanges
from envcheck.model.unknown import known
from envcheck.words import sentence

IPYKERNEL = "https://ipython.readthedocs.io/en/stable/install/kernel_install.html"
KERNELS = {"Linux": "~/.local/share/jupyter/kernels", "Darwin": "~/Library/Jupyter/kernels"}
"""Where ``ipykernel install --user`` writes (docs.jupyter.org/en/latest/use/jupyter-directories.html, 2026-11-23)."""


def register(facts: Facts, title: str, name: str, *, shown_as: str | None = None, verify: str | None = None) -> Fix:
    """Return the fix that writes a kernel of this name for the target, which gets ipykernel first if it lacks that."""
    has_ipykernel = known(facts.notebook.ipykernel_version, None) is not None
    changes = None if has_ipykernel else PackageChanges(add=("ipykernel",))
    before = packages.commands(facts, changes) if changes else ()
    named = f" --display-name {shell.words(shown_as)}" if shown_as else ""
    folder = KERNELS.get(known(facts.platform.system, None) or "")
    return Fix(
        title=sentence(title, name=name),
        commands=(
            *before,
            f"{packages.python(facts)} -m ipykernel install --user --name {shell.words(name)}{named}",
        ),
        needs_root=False,
        restart="kernel",
        risk="environment",
        source=IPYKERNEL,
        verify=verify,
        files=(f"{folder}/{name}",) if folder else (),
        changes=changes,
    )
