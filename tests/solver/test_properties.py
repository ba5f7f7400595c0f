"""Whatever the machine: a set that the solver names satisfies every row of the tables, and is the same each time."""

from hypothesis import HealthCheck, given, settings, strategies as st
from packaging.version import Version

from envcheck.fixes.solver.environment import Installed, Wish
from envcheck.fixes.solver.machine import Machine
from envcheck.fixes.solver.notes import notes
from envcheck.fixes.solver.pins import pins
from envcheck.fixes.solver.solve import solve
from envcheck.knowledge.releases import releases
from solver.checking import wrong

FRAMEWORKS = ("tensorflow", "torch", "jax")
KEPT = ("numpy", "keras", "protobuf", "torch", "h5py")
LAZY = settings(deadline=None, max_examples=20, suppress_health_check=list(HealthCheck))

pythons = st.sampled_from(["3.8.18", "3.9.18", "3.10.13", "3.11.7", "3.12.1", "3.13.0", "3.14.0"]).map(Version)
gpus = st.sampled_from([(3, 7), (5, 0), (6, 1), (7, 0), (7, 5), (8, 6), (8, 9), (9, 0), (10, 0), (12, 0)])
drivers = st.sampled_from(["470.256.02", "525.147.05", "535.183.01", "550.54.14", "580.95.05"]).map(Version)
linux = st.builds(
    Machine,
    python=pythons,
    system=st.just("Linux"),
    architecture=st.sampled_from(["x86_64", "x86_64", "aarch64"]),
    libc=st.just("glibc"),
    libc_version=st.sampled_from(["2.17", "2.27", "2.28", "2.36"]).map(Version),
    gpus=st.one_of(st.none(), gpus.map(lambda gpu: (gpu,))),
    driver=st.one_of(st.none(), drivers),
)
others = st.one_of(
    st.builds(Machine, python=pythons, system=st.just("Windows"), architecture=st.just("x86_64")),
    st.builds(
        Machine,
        python=pythons,
        system=st.just("Darwin"),
        architecture=st.sampled_from(["x86_64", "aarch64"]),
        macos=st.sampled_from(["11.0", "13.5", "15.1"]).map(Version),
    ),
)


@st.composite
def installed(draw: st.DrawFn) -> tuple[Installed, ...]:
    names = draw(st.lists(st.sampled_from(KEPT), unique=True, max_size=3))
    found = []
    for name in names:
        release = draw(st.sampled_from(releases(name)[:40]))
        found.append(Installed(name, Version(release.version), release.requires))
    return tuple(found)


wishes = st.lists(st.sampled_from((*FRAMEWORKS, "keras")), unique=True, min_size=1, max_size=3).map(tuple)


@LAZY
@given(machine=st.one_of(linux, others), wanted=wishes, there=installed(), on_gpu=st.booleans())
def test_every_set_satisfies_the_tables(
    machine: Machine, wanted: tuple[str, ...], there: tuple[Installed, ...], on_gpu: bool
) -> None:
    gpu = frozenset(name for name in wanted if on_gpu and machine.gpus and name in FRAMEWORKS)
    answer = solve(machine, there, Wish(wanted, gpu))
    assert answer is not None
    if answer.solution is None:
        return
    assert wrong(machine, answer, gpu) == []
    assert set(wanted) <= answer.solution.chosen.keys()
    assert {each.name for each in there} <= answer.solution.chosen.keys()


@LAZY
@given(machine=linux, wanted=wishes, there=installed())
def test_the_same_question_has_the_same_answer(
    machine: Machine, wanted: tuple[str, ...], there: tuple[Installed, ...]
) -> None:
    one, other = (solve(machine, there, Wish(wanted)) for _ in range(2))
    assert one is not None
    assert other is not None
    assert pins(one) == pins(other)
    assert notes(one, wanted) == notes(other, wanted)
    assert all("{" not in note and note == note.strip() for note in notes(one, wanted))
