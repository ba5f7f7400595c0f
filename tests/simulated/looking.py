"""Look at a simulated machine as the collector does, without Python and frameworks."""

import msgspec

from envcheck.host import Host
from envcheck.model.facts import Driver, Facts, Hardware
from envcheck.model.record import all_unknown
from envcheck.model.unknown import Unknown
from envcheck.probes import (
    amd,
    apple,
    cpu,
    cuda_toolchain,
    device_nodes,
    intel,
    kernel_log,
    libraries,
    memory,
    nvidia,
    pci,
    platform,
)

LAYERS_OF_THE_MACHINE = ("hardware", "driver", "platform")


def look(host: Host) -> Facts:
    """Return the facts of the machine alone: no Python, no frameworks."""
    facts = all_unknown(Facts, Unknown("skipped", "no target was looked at"))
    return msgspec.structs.replace(
        facts,
        backends=(),
        smoke=(),
        platform=platform.probe(host),
        hardware=Hardware(cpu=cpu.probe(host), memory=memory.probe(host), pci=pci.probe(host), apple=apple.probe(host)),
        driver=Driver(
            nvidia=nvidia.probe(host),
            amd=amd.probe(host),
            intel=intel.probe(host),
            device_nodes=device_nodes.probe(host),
            kernel_log=kernel_log.probe(host),
            cuda_toolchain=cuda_toolchain.probe(host, facts.python),
            libraries=libraries.probe(host, facts.python, ()),
        ),
    )
