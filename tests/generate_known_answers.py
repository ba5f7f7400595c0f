"""Compute the known answers of the smoke test in float64, with NumPy alone, and write them down.

    python tests/generate_known_answers.py            writes envcheck/workers/known_answers.json
    python tests/generate_known_answers.py --check    verifies the committed file and the gradients
    python tests/generate_known_answers.py --measure  prints what coarser arithmetic does to the answers

No framework takes part: forward and backward passes are written out here. Inputs are multiples of 1/65536 in
[-1, 1], so that float32 holds them exactly and coarser number formats do not.
"""

import argparse
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]
Rounding = Callable[[Array], Array]
Cases = dict[str, dict[str, Any]]

ANSWERS = Path(__file__).parent.parent / "envcheck" / "workers" / "known_answers.json"
UNIT = 65536
SEED = 20261122
STEPS = 3
LEARNING_RATE = 4.0  #: so large that every weight moves by a seventh of the largest or more in the first step
SHARDED_LEARNING_RATE = 0.25
DIGITS = 10  #: of each answer; the finest tolerance looks at five


# --- number formats ------------------------------------------------------------------------------


def exact(values: Array) -> Array:
    return values


def rounding_to(bits: int) -> Rounding:
    """Round to ``bits`` significant bits, as a number format of that width stores a factor."""

    def rounded(values: Array) -> Array:
        mantissa, exponent = np.frexp(values)
        return np.ldexp(np.round(np.ldexp(mantissa, bits)), exponent - bits)

    return rounded


#: Significant bits of each format, the leading one included (IEEE 754; NVIDIA Ampere white paper for TF32).
FORMATS = {"float32": 24, "tf32": 11, "float16": 11, "bfloat16": 8}

#: The figures come from ``--measure`` and from runs of TensorFlow 2.21, JAX 0.10, PyTorch 2.13, OpenVINO 2026.4.
TOLERANCES = {
    "float32": (
        1e-4,
        "float32 keeps 24 bits of each number. Healthy CPUs are off by less than 1e-6 on these answers; fast "
        "algorithms for convolution (Winograd) and approximations of exp and tanh may add up to 1e-5. "
        "The limit is ten times that. A wrong result is off by 1e-1 or so.",
    ),
    "tf32": (
        5e-3,
        "NVIDIA GPUs since Ampere may multiply float32 numbers as TF32: the default of TensorFlow and JAX, and of "
        "PyTorch for convolutions. TF32 keeps 11 bits of each factor; that moves these answers by up to 6.3e-4. "
        "The limit is about eight times that.",
    ),
    "float16": (
        5e-3,
        "float16 keeps 11 bits of each number. Rounding the factors and the result so moves these answers by up to "
        "1e-3. The limit is five times that.",
    ),
    "bfloat16": (
        3e-2,
        "bfloat16 keeps 8 bits of each number. Rounding the factors and the result so moves these answers by up to "
        "6.1e-3. The limit is about five times that.",
    ),
}


# --- forward and backward passes -----------------------------------------------------------------


def windows(images: Array, height: int, width: int) -> Array:
    """Return every patch under the kernel: (batch, rows, columns, height, width, channels)."""
    view = np.lib.stride_tricks.sliding_window_view(images, (height, width), axis=(1, 2))
    return np.moveaxis(view, 3, -1)


def convolve(images: Array, kernel: Array, bias: Array, rounded: Rounding) -> Array:
    patches = windows(images, kernel.shape[0], kernel.shape[1])
    return np.einsum("brshwc,hwcf->brsf", rounded(patches), rounded(kernel)) + bias


def convolve_backward(images: Array, kernel: Array, above: Array, rounded: Rounding) -> tuple[Array, Array]:
    """Return the gradients of the kernel and of the bias, given the gradient ``above`` of the output."""
    patches = windows(images, kernel.shape[0], kernel.shape[1])
    return np.einsum("brshwc,brsf->hwcf", rounded(patches), rounded(above)), above.sum(axis=(0, 1, 2))


def sigmoid(values: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-values))


def lstm(series: Array, kernel: Array, recurrent: Array, bias: Array, rounded: Rounding) -> tuple[Array, list[Any]]:
    """Return the last hidden state, and what the way back needs. Gates as Keras orders them: i, f, c, o."""
    hidden = cell = np.zeros((series.shape[0], recurrent.shape[0]))
    trail = []
    for step in range(series.shape[1]):
        inputs = series[:, step]
        gates = rounded(inputs) @ rounded(kernel) + rounded(hidden) @ rounded(recurrent) + bias
        a, b, c, d = np.split(gates, 4, axis=1)
        entry, keep, new, out = sigmoid(a), sigmoid(b), np.tanh(c), sigmoid(d)
        cell_after = keep * cell + entry * new
        trail.append((inputs, hidden, cell, entry, keep, new, out, cell_after))
        cell = cell_after
        hidden = out * np.tanh(cell)
    return hidden, trail


def lstm_backward(
    trail: list[Any], kernel: Array, recurrent: Array, above: Array, rounded: Rounding
) -> tuple[Array, Array, Array, Array]:
    """Return the gradients of the series, the kernel, the recurrent kernel and the bias."""
    of_kernel, of_recurrent = np.zeros_like(kernel), np.zeros_like(recurrent)
    of_bias = np.zeros(kernel.shape[1])
    of_series = []
    of_hidden, of_cell = above, np.zeros_like(above)
    for inputs, hidden, cell, entry, keep, new, out, cell_after in reversed(trail):
        squashed = np.tanh(cell_after)
        of_cell = of_cell + of_hidden * out * (1 - squashed**2)
        of_gates = np.concatenate(
            [
                of_cell * new * entry * (1 - entry),
                of_cell * cell * keep * (1 - keep),
                of_cell * entry * (1 - new**2),
                of_hidden * squashed * out * (1 - out),
            ],
            axis=1,
        )
        of_kernel += rounded(inputs).T @ rounded(of_gates)
        of_recurrent += rounded(hidden).T @ rounded(of_gates)
        of_bias += of_gates.sum(axis=0)
        of_series.append(rounded(of_gates) @ rounded(kernel).T)
        of_hidden = rounded(of_gates) @ rounded(recurrent).T
        of_cell = of_cell * keep
    return np.stack(of_series[::-1], axis=1), of_kernel, of_recurrent, of_bias


def cross_entropy(logits: Array, labels: Array) -> tuple[float, Array]:
    """Return the mean loss of softmax and cross entropy, and its gradient."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    shares = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    loss = float(-np.log(shares[rows, labels]).mean())
    gradient = shares.copy()
    gradient[rows, labels] -= 1
    return loss, gradient / len(labels)


def loss_and_gradients(
    images: Array, labels: Array, weights: list[Array], rounded: Rounding
) -> tuple[float, list[Array]]:
    """The tiny model: Conv2D with tanh, its rows read as a series by an LSTM, Dense with softmax."""
    conv_kernel, conv_bias, kernel, recurrent, bias, dense_kernel, dense_bias = weights
    feature_map = np.tanh(convolve(images, conv_kernel, conv_bias, rounded))
    series = feature_map.reshape(*feature_map.shape[:2], -1)
    hidden, trail = lstm(series, kernel, recurrent, bias, rounded)
    logits = rounded(hidden) @ rounded(dense_kernel) + dense_bias
    loss, of_logits = cross_entropy(logits, labels)

    of_dense_kernel, of_dense_bias = rounded(hidden).T @ rounded(of_logits), of_logits.sum(axis=0)
    of_hidden = rounded(of_logits) @ rounded(dense_kernel).T
    of_series, of_kernel, of_recurrent, of_bias = lstm_backward(trail, kernel, recurrent, of_hidden, rounded)
    of_map = of_series.reshape(feature_map.shape) * (1 - feature_map**2)
    of_conv_kernel, of_conv_bias = convolve_backward(images, conv_kernel, of_map, rounded)
    return loss, [of_conv_kernel, of_conv_bias, of_kernel, of_recurrent, of_bias, of_dense_kernel, of_dense_bias]


# --- the cases -----------------------------------------------------------------------------------


def draw(random: np.random.Generator, *shape: int, scale: float = 1.0) -> Array:
    limit = int(UNIT * scale)
    return random.integers(-limit, limit, size=shape, endpoint=True).astype(np.float64) / UNIT


def all_inputs() -> dict[str, dict[str, Array]]:
    random = np.random.default_rng(SEED)
    return {
        "matmul": {"left": draw(random, 24, 40), "right": draw(random, 40, 16)},
        "conv": {
            "images": draw(random, 2, 8, 8, 3),
            "kernel": draw(random, 3, 3, 3, 8, scale=0.5),
            "bias": draw(random, 8, scale=0.5),
        },
        "recurrent": {
            "series": draw(random, 4, 5, 6),
            "kernel": draw(random, 6, 32),
            "recurrent": draw(random, 8, 32, scale=0.5),
            "bias": draw(random, 32, scale=0.5),
        },
        "train": {
            "images": draw(random, 8, 6, 6, 1),
            "labels": np.arange(8, dtype=np.float64) % 3,
            "weight0": draw(random, 3, 3, 1, 4),
            "weight1": draw(random, 4, scale=0.5),
            "weight2": draw(random, 16, 24, scale=0.5),
            "weight3": draw(random, 6, 24, scale=0.5),
            "weight4": draw(random, 24, scale=0.5),
            "weight5": draw(random, 6, 3),
            "weight6": draw(random, 3, scale=0.5),
        },
        "sharded": {"inputs": draw(random, 12, 4), "targets": draw(random, 12, 2), "weights": draw(random, 4, 2)},
    }


def all_answers(inputs: dict[str, dict[str, Array]], rounded: Rounding = exact) -> dict[str, dict[str, Array]]:
    product, conv, recurrent = inputs["matmul"], inputs["conv"], inputs["recurrent"]
    return {
        "matmul": {"product": rounded(product["left"]) @ rounded(product["right"])},
        "conv": {"features": np.tanh(convolve(conv["images"], conv["kernel"], conv["bias"], rounded))},
        "recurrent": {
            "state": lstm(recurrent["series"], recurrent["kernel"], recurrent["recurrent"], recurrent["bias"], rounded)[
                0
            ]
        },
        "train": train(inputs["train"], rounded),
        "sharded": sharded_step(inputs["sharded"], rounded),
    }


def train(inputs: dict[str, Array], rounded: Rounding) -> dict[str, Array]:
    """Three steps of gradient descent on the whole batch: the loss before each step, the weights after it."""
    weights = [inputs[f"weight{number}"] for number in range(7)]
    answers: dict[str, Array] = {}
    losses = []
    for step in range(STEPS):
        loss, gradients = loss_and_gradients(inputs["images"], inputs["labels"].astype(int), weights, rounded)
        losses.append(loss)
        weights = [weight - LEARNING_RATE * gradient for weight, gradient in zip(weights, gradients, strict=True)]
        for number, weight in enumerate(weights):
            answers[f"step{step}_weight{number}"] = weight
    return {"losses": np.array(losses), **answers}


def sharded_step(inputs: dict[str, Array], rounded: Rounding) -> dict[str, Array]:
    """One step on the sum of squared errors, a sum over rows: any split of the rows gives the same answer."""
    left = rounded(inputs["inputs"])
    error = left @ rounded(inputs["weights"]) - inputs["targets"]
    gradient = 2 * left.T @ rounded(error)
    return {
        "loss": np.array([float((error**2).sum())]),
        "weights": inputs["weights"] - SHARDED_LEARNING_RATE * gradient,
    }


# --- the file ------------------------------------------------------------------------------------


def document() -> dict[str, Any]:
    inputs = all_inputs()
    answers = all_answers(inputs)
    return {
        "made_by": "tests/generate_known_answers.py",
        "unit": UNIT,
        "learning_rate": LEARNING_RATE,
        "sharded_learning_rate": SHARDED_LEARNING_RATE,
        "steps": STEPS,
        "tolerances": {name: {"value": value, "reason": reason} for name, (value, reason) in TOLERANCES.items()},
        "cases": {
            name: {
                "inputs": {key: _packed(array, as_units=True) for key, array in inputs[name].items()},
                "answers": {key: _packed(array, as_units=False) for key, array in answers[name].items()},
            }
            for name in inputs
        },
    }


def _packed(array: Array, *, as_units: bool) -> dict[str, Any]:
    flat = array.ravel().tolist()
    values = [round(value * UNIT) for value in flat] if as_units else [float(f"{value:.{DIGITS}g}") for value in flat]
    return {"shape": list(array.shape), "values": values}


def as_text(content: dict[str, Any]) -> str:
    """One line per list, so that a change can be read."""
    lists = re.compile(r"\[[^\[\]]*\]")
    return lists.sub(lambda found: re.sub(r"\s+", "", found.group()), json.dumps(content, indent=1)) + "\n"


# --- checks --------------------------------------------------------------------------------------


def deviation(got: Array, expected: Array) -> float:
    """The largest error, as a share of the largest value that was expected."""
    return float(np.abs(got - expected).max() / np.abs(expected).max())


def worst_deviations(rounded: Rounding, *, round_result: bool) -> dict[str, float]:
    inputs = all_inputs()
    expected, got = all_answers(inputs), all_answers(inputs, rounded)
    return {
        case: max(
            deviation(rounded(got[case][key]) if round_result else got[case][key], expected[case][key])
            for key in expected[case]
        )
        for case in expected
    }


def check_gradients() -> float:
    """Compare the gradients with central differences; return the worst relative error."""
    inputs = all_inputs()["train"]
    images, labels = inputs["images"], inputs["labels"].astype(int)
    weights = [inputs[f"weight{number}"] for number in range(7)]
    _, gradients = loss_and_gradients(images, labels, weights, exact)
    worst, distance = 0.0, 1e-5
    for number, gradient in enumerate(gradients):
        for index in np.ndindex(gradient.shape):
            losses = []
            for sign in (1, -1):
                moved = [weight.copy() for weight in weights]
                moved[number][index] += sign * distance
                losses.append(loss_and_gradients(images, labels, moved, exact)[0])
            slope = (losses[0] - losses[1]) / (2 * distance)
            worst = max(worst, abs(slope - gradient[index]) / np.abs(gradient).max())
    return worst


def check() -> None:
    """Verify the committed file against a fresh computation, and the gradients against central differences.

    Raises:
        AssertionError: if they differ.
    """
    committed, fresh = json.loads(ANSWERS.read_text()), document()
    assert list(committed) == list(fresh)
    assert {key: value for key, value in committed.items() if key != "cases"} == {
        key: value for key, value in fresh.items() if key != "cases"
    }
    for name, case in fresh["cases"].items():
        assert committed["cases"][name]["inputs"] == case["inputs"], name
        for key, packed in case["answers"].items():
            stands = committed["cases"][name]["answers"][key]
            assert stands["shape"] == packed["shape"], (name, key)
            for one, other in zip(stands["values"], packed["values"], strict=True):
                # Another BLAS sums in another order: the last digits of float64 may differ.
                assert math.isclose(one, other, rel_tol=1e-8, abs_tol=1e-10), (name, key, one, other)
    assert check_gradients() < 1e-6


def first_movements() -> list[float]:
    """Return how far the first step moves each weight: the error of an optimizer that does nothing."""
    inputs, answers = all_inputs()["train"], all_answers(all_inputs())["train"]
    return [deviation(inputs[f"weight{number}"], answers[f"step0_weight{number}"]) for number in range(7)]


def measure() -> None:
    for name, bits in FORMATS.items():
        stored = name in ("float16", "bfloat16")
        worst = worst_deviations(rounding_to(bits), round_result=stored)
        print(f"{name:10}", "  ".join(f"{case} {value:.1e}" for case, value in worst.items()))
    print("moved by the first step:", [round(movement, 2) for movement in first_movements()])
    print("gradients against central differences:", check_gradients())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--check", action="store_true")
    group.add_argument("--measure", action="store_true")
    arguments = parser.parse_args()
    if arguments.check:
        check()
    elif arguments.measure:
        measure()
    else:
        ANSWERS.write_text(as_text(document()))


if __name__ == "__main__":
    main()
