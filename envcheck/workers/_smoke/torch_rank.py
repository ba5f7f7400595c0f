"""One process of a training step with DistributedDataParallel.

    PYTHON -B torch_rank.py TASK RANK

TASK is a JSON file: ``devices``, one for each rank; ``inputs``, ``targets``, ``weights``, ``rate``; ``seconds``. The
answer is written beside it, as ``RANK.json``: the loss of this rank's rows, the weights afterwards, and its device.
"""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != _HERE]  # before anything else is imported

import datetime  # noqa: E402
import json  # noqa: E402
import signal  # noqa: E402


def main(task_file, rank):
    with open(task_file) as stream:
        task = json.load(stream)
    if hasattr(signal, "alarm"):
        signal.alarm(task["seconds"])  # ends this process even if nobody is left to do it
    import torch
    from torch import distributed

    _mark(task_file, "%d.ready" % rank)
    device = torch.device(task["devices"][rank])
    if device.type == "cuda":
        torch.cuda.set_device(device)
    folder = os.path.dirname(task_file)
    distributed.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        init_method="file://" + os.path.join(folder, "meeting"),  # no port to listen on
        rank=rank,
        world_size=len(task["devices"]),
        timeout=datetime.timedelta(seconds=task["seconds"]),
    )
    answer = _step(torch, task, rank, device)
    with open(os.path.join(folder, "%d.json" % rank), "w") as stream:
        json.dump(answer, stream)
    distributed.barrier()  # a rank that ended earlier would take its connections with it


def _mark(task_file, name):
    with open(os.path.join(os.path.dirname(task_file), name), "w"):
        pass


def _step(torch, task, rank, device):
    count = len(task["devices"])
    inputs, targets = [torch.tensor(task[key]).chunk(count)[rank].to(device) for key in ("inputs", "targets")]
    weights = torch.tensor(task["weights"])
    layer = torch.nn.Linear(weights.shape[0], weights.shape[1], bias=False)
    with torch.no_grad():
        layer.weight.copy_(weights.t())
    ids = [device.index] if device.type == "cuda" else None
    model = torch.nn.parallel.DistributedDataParallel(layer.to(device), device_ids=ids)
    optimizer = torch.optim.SGD(model.parameters(), lr=task["rate"])
    loss = ((model(inputs) - targets) ** 2).sum()
    (loss * count).backward()  # it gives each rank the mean of all gradients; here their sum is wanted
    optimizer.step()
    after = layer.weight.detach().t().cpu().tolist()
    return {"loss": float(loss.detach()), "weights": after, "device": str(loss.device)}


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
    sys.stdout.flush()
    os._exit(0)  # taking a process group down sometimes hangs
