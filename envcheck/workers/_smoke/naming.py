"""envcheck's names for devices: ``cpu``, ``gpu:0``, one way for all frameworks."""


def named(devices):
    """Add ``name`` to each device: its kind and number; the number is left out for a CPU that is the only one."""
    counts = {}
    for device in devices:
        counts[device["kind"]] = counts.get(device["kind"], 0) + 1
    seen = {}
    result = []
    for device in devices:
        kind = device["kind"]
        number = seen.get(kind, 0)
        seen[kind] = number + 1
        name = kind if kind == "cpu" and counts[kind] == 1 else "%s:%d" % (kind, number)
        result.append(dict(device, name=name))
    return result


def selected(devices, patterns):
    """Return the devices that one of the patterns (``cpu``, ``gpu``, ``gpu:0``) means; all of them for no pattern."""
    return [device for device in devices if not patterns or any(_means(pattern, device) for pattern in patterns)]


def unmatched(devices, patterns):
    """Return the patterns that mean none of the devices."""
    return [pattern for pattern in patterns if not any(_means(pattern, device) for device in devices)]


def _means(pattern, device):
    return pattern in (device["kind"], device["name"]) or (pattern == device["kind"] + ":0" == device["name"] + ":0")
