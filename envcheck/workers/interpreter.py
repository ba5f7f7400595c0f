"""What the target interpreter tells about itself. Standard library of Python 3.6 only."""

import os
import platform
import site
import struct
import sys
import sysconfig


def main(request, channel):
    channel.stage("look")
    channel.fact("python", facts())


def facts():
    paths = sysconfig.get_paths()
    stdlib = paths["stdlib"]
    return {
        "executable": sys.executable or None,
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "bits": struct.calcsize("P") * 8,
        "machine": machine(),
        "prefix": sys.prefix,
        "base_prefix": getattr(sys, "base_prefix", sys.prefix),
        "stdlib": stdlib,
        "externally_managed": os.path.isfile(os.path.join(stdlib, "EXTERNALLY-MANAGED")),
        "path": [entry for entry in sys.path if isinstance(entry, str)],
        "site_packages": site_packages(paths),
        "user_site": user_site(),
        "user_site_enabled": bool(getattr(site, "ENABLE_USER_SITE", False)),
        "builtin_modules": list(sys.builtin_module_names),
        "soabi": sysconfig.get_config_var("SOABI"),
        "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "markers": markers(),
        "mac_version": platform.mac_ver()[0] or None,
        "certificates": certificates(),
    }


def machine():
    """The architecture that this interpreter was built for: the kernel's may be another."""
    if sys.platform == "win32":
        return sysconfig.get_platform().rpartition("-")[2]
    if sys.platform == "darwin":
        return platform.machine()  # that of the running half of a universal build
    triple = sysconfig.get_config_var("MULTIARCH") or sysconfig.get_config_var("HOST_GNU_TYPE") or ""
    return triple.partition("-")[0] or platform.machine()


def site_packages(paths):
    # Environments of virtualenv before version 20 replace the module site by one without these functions.
    listed = site.getsitepackages() if hasattr(site, "getsitepackages") else []
    folders = []
    for folder in [*listed, paths["purelib"], paths["platlib"]]:
        if folder not in folders and os.path.isdir(folder):
            folders.append(folder)
    return folders


def user_site():
    return site.getusersitepackages() if hasattr(site, "getusersitepackages") else None


def certificates():
    """Where the ssl module looks for root certificates; None where it cannot be asked, or asks the system."""
    if sys.platform == "win32":
        return None
    try:
        import ssl
    except ImportError:
        return None
    paths = ssl.get_default_verify_paths()
    file = os.environ.get(paths.openssl_cafile_env) or paths.openssl_cafile
    folder = os.environ.get(paths.openssl_capath_env) or paths.openssl_capath
    names = (paths.openssl_cafile_env, paths.openssl_capath_env)
    return {
        "places": [place for place in (file, folder) if place and holds_something(place)],
        "expected": [place for place in (file, folder) if place],
        "variables": [name for name in names if os.environ.get(name)],
    }


def holds_something(place):
    try:
        return bool(os.listdir(place)) if os.path.isdir(place) else os.path.getsize(place) > 0
    except OSError:
        return False


def markers():
    """The environment markers of PEP 508."""
    version = sys.implementation.version
    number = "%d.%d.%d" % tuple(version[:3])
    if version.releaselevel != "final":
        number += version.releaselevel[0] + str(version.serial)
    return {
        "implementation_name": sys.implementation.name,
        "implementation_version": number,
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "sys_platform": sys.platform,
    }
