"""Keras 2 on Theano, which computes on one device, chosen when it is imported."""

import theano

from .keras2_models import arithmetic, back_unchanged, loaded, predict, products, scope

__all__ = ["arithmetic", "loaded", "products", "scope"]

WHY_UNROLLED = "a loop takes Theano a minute to compile with an empty cache"
RECURRENT = {"unroll": True}
TURNS_KERNELS = True  # theano.tensor.nnet.conv2d: filter_flip=True
#: All optimisations of an LSTM and its training take minutes to compile with an empty cache. The stages before have
#: tried the compiler as the user has it.
QUICK = {"mode": theano.Mode(optimizer="fast_compile")}
QUICK_FLAG = "-O0"


def version():
    return str(theano.__version__)


def devices():
    name = str(theano.config.device)
    kind = "cpu" if name.startswith("cpu") else "gpu"
    return [{"kind": kind, "framework_name": name, "description": None}]


def notes():
    """Say whether Theano compiles and which BLAS it uses: without either it is slower by an order of magnitude."""
    compiler, flags = str(theano.config.cxx), str(theano.config.blas.ldflags)
    return [
        "compiles with %s" % compiler if compiler else "no C++ compiler was found: Theano interprets each operation",
        "BLAS: %s" % flags if flags else "BLAS: that of NumPy, because Theano found none to link with",
    ]


def round_trip(keras, values, device):
    return back_unchanged(keras, values), devices()[0]["framework_name"]


def run_layer(keras, layer, values, weights, device):
    options = compile_options() if isinstance(layer, keras.layers.LSTM) else None
    result, model = predict(keras, layer, values, weights, options)
    return result, _where(model.predict_function)


def _where(function):
    """Return the device of a compiled function: a graph for a GPU holds operations named for it."""
    nodes = function.function.maker.fgraph.toposort()
    on_gpu = any(type(node.op).__module__.startswith(("theano.gpuarray", "theano.sandbox.cuda")) for node in nodes)
    return devices()[0]["framework_name"] if on_gpu else "cpu"


def compile_options():
    flags = str(theano.config.gcc.cxxflags)
    if QUICK_FLAG not in flags.split():
        theano.config.gcc.cxxflags = " ".join(filter(None, [flags, QUICK_FLAG]))
    return QUICK


def trained_on(model):
    return _where(model.train_function)


def why_not(stage, device):
    return {
        "compile": "Theano compiles every function; there is nothing else to try",
        "reduced-precision": "Keras 2 has no mixed precision with Theano",
        "all-devices": "Keras 2 trains on one device with Theano",
    }.get(stage)
