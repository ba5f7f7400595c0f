"""README and docs say what the code does now."""

import re
import subprocess
import sys
from pathlib import Path

import envcheck

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_generated_pages_are_in_step() -> None:
    result = subprocess.run([sys.executable, str(ROOT / "docs/generate.py"), "--check"], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_changelog_knows_this_version() -> None:
    assert f"## {envcheck.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_ci_runs_the_second_command_of_the_readme() -> None:
    result = subprocess.run([sys.executable, str(ROOT / ".ci/readme_command.py"), "2"], capture_output=True, text=True)
    assert result.stdout
    assert result.stdout in README
    assert "pytest" in result.stdout
