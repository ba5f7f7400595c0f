"""Walk each device up the ladder of stages; the first stage that fails ends its ladder."""

import sys
import time
import traceback

from . import libraries, speed, stages

LADDER = (
    ("place", stages.place),
    ("matmul", stages.matmul),
    ("conv", stages.conv),
    ("recurrent", stages.recurrent),
    ("train", stages.train),
    ("compile", stages.compile_),
    ("reduced-precision", stages.reduced_precision),
    ("speed", speed.speed),
)
LAST = "all-devices"
WORDS = 4000  #: of an error message that are kept


def walk(channel, devices, ended, make_bench, ladder=LADDER):
    """Walk all ``devices`` but those that an earlier child walked: ``ended`` maps their names to how it went."""
    ended = dict(ended)
    for device in devices:
        if device["name"] in ended:
            continue
        bench = make_bench(device)
        reason = bench.framework.why_not("device", device)
        failed = None if reason else _climb(channel, bench, (*ladder, (LAST, _all_devices_of(device, devices, ended))))
        ended[device["name"]] = "skipped" if reason else "failed" if failed else "passed"
        outcome = {"status": ended[device["name"]], "failed_stage": failed, "reason": reason}
        channel.fact("device", dict(outcome, name=device["name"]))


def _climb(channel, bench, ladder):
    """Try every stage on one device; return the one that failed, or None."""
    failed = None
    for stage, run in ladder:
        if failed:
            _report(channel, bench, stage, "skipped", 0.0, {"detail": "not tried, because %s failed" % failed})
        elif _try(channel, bench, stage, run) == "failed":
            failed = stage
    return failed


def _try(channel, bench, stage, run):
    channel.stage("%s %s" % (bench.device["name"], stage))
    began = time.perf_counter()
    try:
        reason = bench.framework.why_not(stage, bench.device)
        if reason:
            raise stages.Skip(reason)
        status, result = "passed", run(bench)
    except stages.Skip as skip:
        status, result = "skipped", {"detail": str(skip)}
    except stages.WrongDevice as wrong:
        status, result = "failed", {"detail": str(wrong), "failure": "wrong-device"}
    except stages.Wrong as wrong:
        status, result = "failed", {"detail": str(wrong), "failure": "wrong-result"}
    except BaseException as error:  # also SystemExit: code under test must not end the walk in silence
        traceback.print_exc()
        sys.stderr.flush()
        words = ("%s: %s" % (type(error).__name__, error))[:WORDS]
        status, result = "failed", {"detail": words, "failure": "raised"}
    _report(channel, bench, stage, status, time.perf_counter() - began, result)
    channel.fact("libraries", libraries.loaded())
    return status


def _report(channel, bench, stage, status, seconds, result):
    channel.fact("stage", dict(result, device=bench.device["name"], name=stage, status=status, seconds=seconds))


def _all_devices_of(device, devices, ended):
    """Return the stage that uses every device of this kind; it runs once, with the last device of the kind."""
    group = [other for other in devices if other["kind"] == device["kind"]]
    others = [other["name"] for other in group if other is not device]

    def run(bench):
        if not others:
            raise stages.Skip("needs two devices of one kind")
        if device is not group[-1]:
            raise stages.Skip("runs with %s, the last device of its kind" % group[-1]["name"])
        broken = [name for name in others if ended.get(name) != "passed"]
        if broken:
            raise stages.Skip("%s did not pass alone" % ", ".join(broken))
        return stages.all_devices(bench, group)

    return run
