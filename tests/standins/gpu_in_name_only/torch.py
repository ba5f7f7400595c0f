"""PyTorch that claims to have a GPU and does everything for it on the CPU."""

from stand_in import behind

torch = behind(__name__, __file__)
_to = torch.Tensor.to


def _to_cpu(self, *arguments, **options):
    return _to(self, *("cpu" if str(value).startswith("cuda") else value for value in arguments), **options)


torch.cuda.is_available = lambda: True
torch.cuda.device_count = lambda: 1
torch.cuda.get_device_name = lambda number: "Fancy GPU"
torch.Tensor.to = _to_cpu
