"""Keep Keras from writing into the user's home folder."""

import os


def keep_out(channel, folder):
    """Give Keras a home below ``folder`` where the user has no keras.json. To be called before any import.

    Keras writes its default configuration on import where there is none, and TensorFlow imports Keras. The defaults
    are the same from any folder. A keras.json that exists is left in charge.
    """
    home = os.environ.get("KERAS_HOME")
    if home is None:
        base = os.path.expanduser("~")
        home = os.path.join(base if os.access(base, os.W_OK) else "/tmp", ".keras")
    if not os.path.exists(os.path.expanduser(os.path.join(home, "keras.json"))):
        os.environ["KERAS_HOME"] = os.path.join(folder, "keras")
        channel.fact("environment_added", {"name": "KERAS_HOME", "value": "(a temporary folder)"})
