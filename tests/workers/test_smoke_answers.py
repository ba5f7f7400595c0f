"""The known answers: computed without any framework, and able to tell a wrong result from coarse arithmetic."""

import json
import subprocess
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
GENERATOR = TESTS / "generate_known_answers.py"


@pytest.mark.frameworks
def test_the_committed_answers_are_what_the_generator_computes(jax_environment: str) -> None:
    """Also its gradients against central differences. NumPy comes from the environment; no framework is imported."""
    done = subprocess.run([jax_environment, str(GENERATOR), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.frameworks
def test_each_tolerance_lies_between_coarse_arithmetic_and_a_fault(jax_environment: str) -> None:
    code = f"""
import importlib.util, json
spec = importlib.util.spec_from_file_location("generator", {str(GENERATOR)!r})
generator = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generator)
coarse = {{
    name: max(generator.worst_deviations(generator.rounding_to(bits), round_result="float16" in name).values())
    for name, bits in generator.FORMATS.items()
}}
print(json.dumps([coarse, generator.first_movements()]))
"""
    done = subprocess.run([jax_environment, "-c", code], capture_output=True, text=True, check=True)
    coarse, movements = json.loads(done.stdout)
    tolerances = {
        name: row["value"]
        for name, row in json.loads((TESTS.parent / "envcheck" / "workers" / "known_answers.json").read_text())[
            "tolerances"
        ].items()
    }
    assert set(coarse) == set(tolerances)
    for name, tolerance in tolerances.items():
        assert 3 * coarse[name] < tolerance, name
        # An optimizer that leaves one weight alone is a small fault, and it shows.
        assert min(movements) > 3 * tolerance, name
