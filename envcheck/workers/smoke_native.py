"""Try one product and one training step of a framework without Keras on each of its devices.

Request: ``backend``; ``devices``, the patterns of the devices wanted (none: all); ``ended``, how the devices went
that an earlier child walked.

Facts: as of ``smoke_keras3``; the version of ``keras`` is null.
"""

from ._smoke import session


def main(request, channel):
    session.run(request, channel, _attempt)


def _attempt(request, channel, folder):
    backend = request["backend"]
    framework, seconds = session.timed(channel, "import " + backend, lambda: session.part("native_" + backend))
    channel.fact("framework", {"version": framework.version(), "seconds": seconds})
    channel.fact("keras", {"version": None, "seconds": 0.0})
    stages = session.part("native_stages")

    def bench(device, answers):
        return stages.NativeBench(None, framework, device, answers, folder)

    session.walk(request, channel, framework, bench, stages.STAGES)
