"""Which file a library of this process came from."""

import os


def loaded_file(soname):
    """Return the file whose name begins with ``soname``; None where there is none, or no /proc."""
    try:
        with open("/proc/self/maps", "rb") as stream:
            for line in stream:
                path = line.split(None, 5)[-1].strip().decode("utf-8", "replace")
                if os.path.basename(path).startswith(soname):
                    return path
    except OSError:
        pass
    return None
