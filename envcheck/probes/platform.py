"""What everything stands on: operating system, C library, container, WSL, environment and storage."""

from envcheck.host import Host
from envcheck.model.facts import Platform, PlatformVolatile, Tool
from envcheck.model.record import all_unknown
from envcheck.model.unknown import Unknown
from envcheck.probes import (
    cloud,
    container_devices,
    environment,
    files,
    filesystems,
    firmware,
    home,
    limits,
    network,
    preloads,
    scheduler,
    servers,
    startup_files,
    windows,
)
from envcheck.probes.container import container, wsl
from envcheck.probes.libc import libc
from envcheck.probes.system import describe_os, kernel_release, machine, os_variant, system


def probe(host: Host) -> Platform:
    """Look at the platform. ``tool`` is left to the collector, which knows what became of the other probes."""
    os_id, os_version, os_name = describe_os(host)
    libc_name, libc_version = libc(host)
    container_kind, container_how = container(host)
    processes_limit, processes_limit_how = limits.processes(host)
    return Platform(
        system=system(host),
        release=kernel_release(host),
        machine=machine(host),
        os_id=os_id,
        os_version=os_version,
        os_name=os_name,
        os_variant=os_variant(host),
        libc_name=libc_name,
        libc_version=libc_version,
        container=container_kind,
        container_how=container_how,
        wsl=wsl(host),
        home=home.folder(host),
        environment=environment.relevant(host.environ),
        filesystems=filesystems.common(host),
        board=files.line(host, "/proc/device-tree/model"),
        secure_boot=firmware.secure_boot(host),
        lockdown=firmware.lockdown(host),
        processes_limit=processes_limit,
        processes_limit_how=processes_limit_how,
        container_devices=container_devices.probe(host, container_kind),
        scheduler=scheduler.probe(host),
        cloud=cloud.probe(host),
        network_interfaces=network.interfaces(host),
        startup_files=startup_files.probe(host),
        preloads=preloads.probe(host),
        windows=windows.probe(host),
        volatile=PlatformVolatile(servers=servers.running(host)),
        tool=all_unknown(Tool, Unknown("skipped", "the collector signs the facts")),
    )
