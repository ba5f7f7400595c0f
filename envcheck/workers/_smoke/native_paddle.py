"""PaddlePaddle, which Keras cannot use."""

import paddle


def version():
    return str(paddle.__version__)


def devices():
    found = [{"kind": "cpu", "framework_name": "cpu", "description": None}]
    if paddle.is_compiled_with_cuda():
        for number in range(paddle.device.cuda.device_count()):
            description = paddle.device.cuda.get_device_name(number)
            found.append({"kind": "gpu", "framework_name": "gpu:%d" % number, "description": description})
    return found


def notes():
    return []


def put(values, device):
    return paddle.to_tensor(values, place=_place(device))


def _place(device):
    if device["kind"] == "cpu":
        return paddle.CPUPlace()
    return paddle.CUDAPlace(int(device["framework_name"].split(":")[1]))


def where(tensor):
    place = tensor.place
    return "gpu:%d" % place.gpu_device_id() if place.is_gpu_place() else "cpu"


def arithmetic(device):
    return "float32" if device["kind"] == "cpu" else "tf32"


def why_not(stage, device):
    return None


def product(left, right):
    return paddle.matmul(left, right)


def values_of(tensor):
    return tensor.numpy()


def sharded_step(devices, inputs, targets, weights, rate, folder):
    """One step with the rows split over the devices and the gradients added up on the first."""
    loss, total, places = 0.0, 0.0, []
    size = len(inputs) // len(devices)
    for number, device in enumerate(devices):
        rows = slice(number * size, (number + 1) * size)
        replica = put(weights, device)
        replica.stop_gradient = False
        part = ((product(put(inputs[rows], device), replica) - put(targets[rows], device)) ** 2).sum()
        part.backward()
        loss += float(part)
        total = total + replica.grad.numpy()
        places.append(where(part))
    return loss, weights - rate * total, sorted(places)
