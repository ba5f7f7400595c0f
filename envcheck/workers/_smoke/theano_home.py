"""Keep Theano from leaving compiled modules in the user's home folder."""

import os


def keep_out(channel, folder):
    """Let Theano compile below ``folder`` where the user has no cache of its modules. To be called before the import.

    A cache that exists is used: modules that were compiled on another machine and kept there are a fault to find.
    """
    flags = os.environ.get("THEANO_FLAGS", "")
    if os.path.exists(os.path.expanduser("~/.theano")) or "compiledir" in flags:
        return
    own = [flags] if flags else []
    os.environ["THEANO_FLAGS"] = ",".join([*own, "base_compiledir=" + os.path.join(folder, "theano")])
    said = ",".join([*own, "base_compiledir=(a temporary folder)"])
    channel.fact("environment_added", {"name": "THEANO_FLAGS", "value": said})
