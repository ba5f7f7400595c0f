"""Open device files to read and write, and close them at once. A driver in trouble may never answer: hence a child.

Request: ``paths``. Fact ``opened``: [path, name of the error or null].
"""

import errno
import os


def main(request, channel):
    flags = os.O_RDWR | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    for path in request["paths"]:
        channel.stage(path)
        try:
            os.close(os.open(path, flags))
        except OSError as error:
            channel.fact("opened", [path, errno.errorcode.get(error.errno, "errno %s" % error.errno)])
        else:
            channel.fact("opened", [path, None])
