"""Keep Matplotlib, which Keras imports where it is installed, from leaving its list of fonts in the user's home."""

import importlib.util
import os


def keep_out(channel, folder):
    """Give Matplotlib a place below ``folder`` where the user has none. To be called before any import.

    Its own place is 'matplotlib' in the user's folder of caches, or '~/.matplotlib' (matplotlib.get_cachedir, 3.11).
    """
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.join("~", ".cache")
    places = (os.path.join(caches, "matplotlib"), os.path.join("~", ".matplotlib"))
    if "MPLCONFIGDIR" in os.environ or any(os.path.exists(os.path.expanduser(place)) for place in places):
        return
    if importlib.util.find_spec("matplotlib") is not None:
        os.environ["MPLCONFIGDIR"] = os.path.join(folder, "matplotlib")
        channel.fact("environment_added", {"name": "MPLCONFIGDIR", "value": "(a temporary folder)"})
