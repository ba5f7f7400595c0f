"""Which backend Keras takes, here and in each kernel, as every form of the report tells it."""

import pytest
from render import report_samples as samples

from envcheck.model import facts as f
from envcheck.model.report import Report
from envcheck.render import html, markdown, terminal
from envcheck.render.style import Style


def source(name: str, value: str | None, detail: str | None = None) -> f.BackendSource:
    return f.BackendSource(source=name, value=value, detail=detail)


def kernel(name: str, **keras: object) -> f.Kernel:
    return samples.fill(f.Kernel, name=name, path=f"/k/{name}", keras=samples.fill(f.KernelKeras, **keras))


def traced() -> Report:
    sources = (
        source("KERAS_BACKEND", "torch"),
        source("keras.json", "jax", "/home/ana/.keras/keras.json"),
        source("default", "tensorflow"),
        source("TF_USE_LEGACY_KERAS", None, "tf.keras is tf-keras"),
    )
    kernels = (
        kernel("plain", version="3.15.1", backend="tensorflow", backend_chosen_by="default", backend_installed=True),
        kernel("lost", version="3.15.1", backend="jax", backend_chosen_by="keras.json", backend_installed=False),
        kernel("ir"),
    )
    keras = samples.keras(backend="torch", backend_chosen_by="KERAS_BACKEND", backend_sources=sources)
    return samples.report(samples.facts(keras=keras, notebook=f.Notebook(kernels=kernels, ipykernel_version="7.4.0")))


@pytest.mark.parametrize("form", ["terminal", "markdown", "html"])
def test_the_trace_is_shown(form: str) -> None:
    if form == "terminal":
        text = terminal.render(traced(), Style(width=120))
    else:
        text = (markdown if form == "markdown" else html).render(traced())
    text = " ".join(text.replace("\\", "").replace("`", "").split())
    for words in (
        "not used: keras.json says jax, but KERAS_BACKEND decides",
        "TF_USE_LEGACY_KERAS: tf.keras is tf-keras",
        "plain: Keras 3.15.1, would run on TensorFlow (the default)",
        "lost: Keras 3.15.1, would run on JAX (chosen by keras.json), which is not installed there",
    ):
        assert words in text
    assert "ir: Keras" not in text
