"""Apache MXNet, which Keras cannot use (its fork keras-mxnet aside)."""

import mxnet


def version():
    return str(mxnet.__version__)


def devices():
    found = [{"kind": "cpu", "framework_name": "cpu(0)", "description": None}]
    for number in range(mxnet.context.num_gpus()):
        found.append({"kind": "gpu", "framework_name": "gpu(%d)" % number, "description": None})
    return found


def notes():
    return []


def put(values, device):
    number = int(device["framework_name"][4:-1])
    return mxnet.nd.array(values, ctx=mxnet.cpu(0) if device["kind"] == "cpu" else mxnet.gpu(number))


def where(tensor):
    return str(tensor.context)


def arithmetic(device):
    return "float32" if device["kind"] == "cpu" else "tf32"


def why_not(stage, device):
    return None


def product(left, right):
    return mxnet.nd.dot(left, right)


def values_of(tensor):
    return tensor.asnumpy()


def sharded_step(devices, inputs, targets, weights, rate, folder):
    """One step with the rows split over the devices and the gradients added up."""
    loss, total, places = 0.0, 0.0, []
    size = len(inputs) // len(devices)
    for number, device in enumerate(devices):
        rows = slice(number * size, (number + 1) * size)
        replica = put(weights, device)
        replica.attach_grad()
        with mxnet.autograd.record():
            part = ((product(put(inputs[rows], device), replica) - put(targets[rows], device)) ** 2).sum()
        part.backward()
        loss += float(part.asscalar())
        total = total + replica.grad.asnumpy()
        places.append(where(part))
    return loss, weights - rate * total, sorted(places)
