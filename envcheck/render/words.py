"""The renderers' own sentences."""

from envcheck.model.unknown import Unknown
from envcheck.words import sentence, template

# --- verdict ----------------------------------------------------------------------------------

READY = template("Ready: the test model ran on {devices} with {backends}.")
CLEAN_UNPROVED = template("No problem found. The test model was not run, so training is unproved.")
CLEAN_NOTHING_TO_RUN = template("No problem found. There was no device or backend to run the test model on.")
CLEAN = template("No problem found.")
UNDECIDED = template("Could not tell: none of the {count} checks could be decided.")
ONE_ERROR = template("1 error: {title}")
ONE_ERROR_EXPLAINS = template("1 error, which explains {count} more: {title}")
ERRORS = template("{count} errors; begin with: {title}")
ONE_WARNING = template("No errors, 1 warning: {title}")
WARNINGS = template("No errors, {count} warnings; begin with: {title}")

# --- floors -----------------------------------------------------------------------------------

FLOORS = {
    "keras": template("Keras"),
    "backend": template("backend"),
    "driver": template("driver"),
    "hardware": template("hardware"),
    "python": template("target"),
    "platform": template("platform"),
    "notebook": template("notebook"),
}
NOT_INSTALLED = template("not installed")
NONE_INSTALLED = template("none installed")
COULD_NOT_SEE = template("could not be seen ({why})")
WHAT_COULD_NOT_BE_SEEN = template("{what}: could not be seen ({why})")
KERAS = template("{version}, would run on {backend} (chosen by {chosen_by})")
KERAS_DEFAULT = template("{version}, would run on {backend} (the default)")
KERAS_PLAIN = template("{version}")
SOURCE_NOT_USED = template("not used: {source} says {value}, but {winner} decides")
SOURCE_SAYS = template("{source}: {detail}")
TF_KERAS = template("tf-keras {version}")
VERSION_UNKNOWN = template("version unknown")
BACKEND = template("{name} {version}")
BUILT_FOR_CUDA = template("built for CUDA {version}")
BUILT_FOR_ROCM = template("built for ROCm {version}")
BUILT_FOR_CPU = template("CPU build")
SEES = template("sees {devices}")
SEES_NOTHING = template("sees no device")
IMPORT_ENDED = {
    "raised": template("its import fails"),
    "crashed": template("its import crashes"),
    "timed-out": template("its import does not end"),
    "exited": template("its import ends the interpreter"),
}
NVIDIA_DRIVER = template("NVIDIA driver {version}")
SUPPORTS_CUDA = template("supports CUDA up to {version}")
NO_NVIDIA_DRIVER = template("no NVIDIA driver")
NO_NVIDIA_DRIVER_NEEDED = template("no NVIDIA driver, and no NVIDIA device that needs one")
AMD_DRIVER = template("AMD driver amdgpu {version}")
AMD_KERNEL_DRIVER = template("AMD driver amdgpu, the kernel's own")
NO_AMD_DRIVER = template("the AMD driver amdgpu is not loaded")
OFFERS_TARGETS = template("offers {targets}")
ROCM = template("ROCm {version}")
NO_ROCM = template("no ROCm")
INTEL_DRIVER = template("Intel driver {modules}")
LEVEL_ZERO = template("Level Zero")
NO_LEVEL_ZERO = template("no Level Zero")
METAL = template("Metal {version}")
NO_METAL = template("Metal shows no GPU")
CORES = template("{count} cores")
ONE_CORE = template("1 core")
USABLE = template("{count} usable")
MEMORY = template("{size} memory")
LIMITED = template("limited to {size}")
NO_GPU = template("no GPU")
MANY_GPUS = template("{count} x {name}")
WITH_MEMORY = template("{name} ({size})")
PCI_DEVICE = template("{vendor} device {device} at {address}, driver {driver}")
PCI_DEVICE_NO_DRIVER = template("{vendor} device {device} at {address}, no driver")
PYTHON = template("Python {version}")
CHOSEN_BY = template("chosen by {how}")
NOT_STARTING = template("does not start: {why}")
IN_CONTAINER = template("in a container ({kind})")
WSL = template("WSL {version}")
KERNELS = template("{count} kernels: {names}")
ONE_KERNEL = template("1 kernel: {names}")
NO_KERNELS = template("no kernels")
IN_KERNEL = template("{kernel}: Keras {keras}")
NOT_INSTALLED_THERE = template("which is not installed there")

REASONS = {
    "unsupported": template("not offered here"),
    "denied": template("not permitted"),
    "failed": template("failed"),
    "timed-out": template("no answer in time"),
    "crashed": template("the process that looked died"),
    "skipped": template("not looked at"),
}
NONE = template("none")
EMPTY = template("empty")
YES = template("yes")
NO = template("no")
LEFT_OUT = template("and {count} more")

# --- smoke test -------------------------------------------------------------------------------

SMOKE_TITLE = template("Test model (time per training step)")
SMOKE_TITLE_PLAIN = template("Test model")
SMOKE_SKIPPED = template("Test model: not run ({why})")
SMOKE_NOTHING = template("Test model: nothing to run it on")
DEVICE = template("device")
FAILED_AT = template("failed at {stage}")
CRASHED_AT = template("crashed at {stage}")
TIMED_OUT_AT = template("timed out at {stage}")
WITHOUT_KERAS = template("{result}, without Keras")
STATUS = {
    "passed": template("passed"),
    "failed": template("failed"),
    "crashed": template("crashed"),
    "timed-out": template("timed out"),
    "skipped": template("skipped"),
}
RUN_REASON = template("{backend} on {device}: {reason}")
RUN_TITLE = template("{backend} on {device}")
STAGE = template("{name}: {status}")
DEVIATION = template("deviation {value}")
TOLERANCE = template("tolerance {value}")
SPEED = template("{value} GFLOP/s")
PARITY = template("The runs agree within {difference} of the largest value ({stage}: {run}, {other}).")
PAIRS_WORK = template("Any two of the frameworks work in one process, in either order ({count} orders tried).")
PAIR_BROKEN = template("{first}, then {second}: {status} ({step})")
PAIR_STATUS = {
    "ok": template("both work"),
    "raised": template("an error"),
    "crashed": template("the process dies"),
    "exited": template("the process ends itself"),
    "timed-out": template("no answer in time"),
    "skipped": template("skipped"),
}

STACK = template("The stack, layer by layer")
FINDINGS = template("Findings")
SEVERITIES = {
    "ok": template("ok"),
    "error": template("error"),
    "warning": template("warning"),
    "info": template("note"),
    "unknown": template("unknown"),
    "none": template("none"),
}

# --- findings ---------------------------------------------------------------------------------

SEEN = template("Seen:")
TO_DO = template("To do:")
OR = template("Or:")
TO_CHECK = template("To check:")
SOURCE = template("Source: {source}")
ALSO_EXPLAINS = template("This also explains:")
NOT_COPYABLE = template(
    "This command holds characters that cannot be shown here; they are written as escapes. "
    "Take it from the JSON report instead."
)
NOTES = template("Notes")
ONE_UNDECIDED = template("1 check could not be decided; --verbose tells which and why.")
SOME_UNDECIDED = template("{count} checks could not be decided; --verbose tells which and why.")
ONE_SKIPPED = template("1 check was not made, because what it needs was not looked at; --verbose tells which.")
SOME_SKIPPED = template(
    "{count} checks were not made, because what they need was not looked at; --verbose tells which."
)
NEXT = template("All steps in order: envcheck fix-suggestions")

# --- what to do -------------------------------------------------------------------------------

NOTHING_TO_DO = template("Nothing to do: no error and no warning was found.")
NOTHING_TO_DO_BUT_UNDECIDED = template(
    "Nothing to do that envcheck knows of, but {count} checks could not be decided; "
    "envcheck report --verbose tells which and why."
)
ONE_STEP = template("1 step:")
STEPS = template("{count} steps, in this order:")
STEP = template("Step {number} of {count}: {title}")
NO_FIX_KNOWN = template("No command is known that mends this; the report tells what was seen")
BECAUSE = template("because: {title}")
BY_HAND = template("by hand: {title}")
INSTEAD = template("instead of that: {title}")
CHECK_WITH = template("to check: {command}")
SCRIPT_WRITTEN = template("Written by envcheck {version} from the report of {created}.")
SCRIPT_READ_FIRST = template("Read it before you run it. It stops at the first error.")
SCRIPT_FIRST_STEP = template("To begin at a later step, give its number: {command}")
SCRIPT_LEFT_OUT = template(
    "This command is left out, because it holds characters that cannot be seen (written as escapes):"
)
STOP_FOR = {
    "machine": template("Restart the machine, then go on with: {command}"),
    "shell": template("Open a new shell, then go on with: {command}"),
}
FINALLY = {
    "machine": template("That was the last step. Restart the machine."),
    "shell": template("That was the last step. Open a new shell."),
    "kernel": template("That was the last step. Restart the notebook kernel."),
    "none": template("That was the last step."),
}

# --- JUnit ------------------------------------------------------------------------------------

JUNIT_UNKNOWN = template("could not be decided: {detail}")
JUNIT_BLOCKED = template("explained by {detail}")
JUNIT_NOT_APPLICABLE = template("not applicable: {detail}")

# --- an explanation of a log ------------------------------------------------------------------

EXPLAINED_ONE = template("1 cause: {title}")
EXPLAINED_MANY = template("{count} causes; the most likely: {title}")
ONLY_HARMLESS = template("Nothing here needs mending: all that was recognised is harmless.")
NOTHING_MATCHED = template("Nothing known matched this text.")
LOOKS_LIKE_ERROR = template("These lines look like errors:")
NO_SUSPICIOUS_LINES = template("No line of it looks like an error either.")
LINE = template("line {number}")
REPORT_IT = template(
    "If it turns out to be a fault of the environment, please report it to the envcheck project. "
    "Read the block below before you send it; it may hold private names."
)
ISSUE_TITLE = template("envcheck explain: nothing known matched")

# --- rules ------------------------------------------------------------------------------------

RULE_COUNT = template("{count} findings that envcheck can make; 'envcheck rules ID' explains one.")
LAYER_AND_SEVERITY = template("layer: {layer}; severity: {severity}")
CAN_BE_EXPLAINED_BY = template("can be explained by: {causes}")
RULE_TABLE = (template("id"), template("layer"), template("severity"), template("title"))

# --- verbose ----------------------------------------------------------------------------------

ALL_FACTS = template("All facts")
ALL_STAGES = template("Every stage of the test model")
UNDECIDED_CHECKS = template("Checks that could not be decided")

# --- tables -----------------------------------------------------------------------------------

FLOOR = template("layer")
WHAT_IS_THERE = template("what is there")
WHERE = template("fact")
WHAT_WAS_SEEN = template("value")
CHECK = template("check")
REASON = template("reason")
STAGE_TABLE = (
    template("backend"),
    template("device"),
    template("stage"),
    template("result"),
    template("time"),
    template("deviation"),
    template("tolerance"),
    template("detail"),
)
SPEEDS = template("Time and speed of the test model")
SPEED_TABLE = (
    template("backend"),
    template("device"),
    template("import"),
    template("first step"),
    template("steady step"),
    template("GFLOP/s"),
    template("peak"),
)
PARITIES = template("How far the runs are apart")
PARITY_TABLE = (template("run"), template("other run"), template("largest difference"), template("stage"))
KNOWN_ANSWER = template("known answer")
TOLERANCES = template("Why the tolerances are what they are")
TOLERANCE_TABLE = (template("tolerance"), template("reason"))
PAIRS = template("Two frameworks in one process")
PAIRS_TABLE = (template("first"), template("second"), template("result"), template("step"), template("reason"))
MADE_BY = template("envcheck {version}, {created}")


def why(unknown: Unknown) -> str:
    """Return why a fact could not be had, for people."""
    reason = sentence(REASONS[unknown.reason])
    return f"{reason}: {unknown.detail}" if unknown.detail else reason


def counted(count: int, one: str, many: str, **fields: object) -> str:
    """Fill in the template for one or for many."""
    return sentence(one if count == 1 else many, count=count, **fields)


def listed(items: list[str] | tuple[str, ...]) -> str:
    """Return the items as an enumeration."""
    return ", ".join(items)
