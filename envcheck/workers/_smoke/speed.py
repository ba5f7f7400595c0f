"""How fast a device multiplies matrices: for information, within a fraction of a second even on one slow core."""

import time

import numpy

from .stages import Skip

SIZES = (128, 512, 1024, 2048, 4096)  #: the largest fills a data-centre GPU and takes 64 MiB for each matrix
LONGEST = 0.08  #: seconds that one product may take
MEASURED = 0.1  #: seconds of products of one size, at least
FEWEST = 3  #: products of one size; the fastest counts, for the others were disturbed or woke threads up
CHAIN = 10  #: products in one go on anything but a CPU, which is waited for only once for all of them


def speed(bench):
    """Billions of floating-point operations per second of the product of two square float32 matrices, at best."""
    try:
        with bench.scope():
            size, gflops = _best(bench)
    except Skip:
        raise
    except Exception as error:  # a measurement that fails, such as for want of memory, is no fault of the stack
        raise Skip("not measured: %s: %s" % (type(error).__name__, error))
    return {
        "detail": "the speed of a product of two large matrices, %s arithmetic"
        % bench.framework.arithmetic(bench.device),
        "gflops": gflops,
        "matrix_size": size,
    }


def _best(bench):
    """Return the size with the best speed, and that speed; sizes that would take too long are left out."""
    times = 1 if bench.device["kind"] == "cpu" else CHAIN
    found, size = {}, SIZES[0]
    while size:
        seconds = _fastest(bench.products(unit_matrix(size)), times)
        found[size] = 2.0 * size**3 / seconds / 1e9
        larger = [other for other in SIZES if other > size and seconds * (other / size) ** 3 < LONGEST]
        size = larger[-1] if larger else None
    return max(found.items(), key=lambda item: item[1])


def _fastest(multiply, times):
    """Return the seconds of one product in the fastest try."""
    multiply(1)  # the first one compiles and loads
    tries, began = [], time.perf_counter()
    while len(tries) < FEWEST or time.perf_counter() - began < MEASURED:
        start = time.perf_counter()
        multiply(times)
        tries.append(max(time.perf_counter() - start, 1e-9) / times)
    return min(tries)


def unit_matrix(size):
    """Return a matrix that is its own square, so that a chain of products neither grows nor vanishes."""
    return numpy.full((size, size), 1.0 / size, dtype="float32")
