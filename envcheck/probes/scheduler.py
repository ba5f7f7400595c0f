"""The batch system that started this process, and what it gave it.

Sources: the lists of environment variables in the manuals of Slurm (sbatch, srun), IBM Spectrum LSF, OpenPBS, Grid
Engine (qsub), HTCondor, Flux and Ray.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from envcheck.host import Host
from envcheck.model.facts import Scheduler


@dataclass(frozen=True)
class _System:
    name: str
    job: tuple[str, ...]  #: all of these variables are set in a job
    gpus: tuple[str, ...]  #: the first that is set tells the GPUs
    cpus: tuple[str, ...]


_SYSTEMS = (
    _System(
        "slurm",
        ("SLURM_JOB_ID",),
        ("SLURM_STEP_GPUS", "SLURM_JOB_GPUS", "SLURM_GPUS_ON_NODE"),
        ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE", "SLURM_JOB_CPUS_PER_NODE"),
    ),
    _System("lsf", ("LSB_JOBID",), ("CUDA_VISIBLE_DEVICES",), ("LSB_DJOB_NUMPROC",)),
    _System("pbs", ("PBS_JOBID",), ("PBS_NGPUS", "CUDA_VISIBLE_DEVICES"), ("NCPUS", "PBS_NUM_PPN")),
    _System("grid-engine", ("SGE_ROOT", "JOB_ID"), ("SGE_HGR_gpu", "CUDA_VISIBLE_DEVICES"), ("NSLOTS",)),
    _System("htcondor", ("_CONDOR_JOB_AD",), ("_CONDOR_AssignedGPUs",), ("OMP_NUM_THREADS",)),
    _System("flux", ("FLUX_JOB_ID",), ("CUDA_VISIBLE_DEVICES",), ()),
    _System("ray", ("RAY_JOB_ID",), ("CUDA_VISIBLE_DEVICES",), ()),
    _System("kubernetes", ("KUBERNETES_SERVICE_HOST",), ("NVIDIA_VISIBLE_DEVICES",), ()),
)
"""The innermost first: Slurm or Ray may run inside Kubernetes."""


def probe(host: Host) -> Scheduler:
    """Return the scheduler whose variables are set, and its allocation in its own words."""
    for system in _SYSTEMS:
        if all(host.environ.get(name) for name in system.job):
            gpus_how = _first(host.environ, system.gpus)
            cpus_how = _first(host.environ, system.cpus)
            return Scheduler(
                name=system.name,
                how=system.job[0],
                gpus_allocated=host.environ[gpus_how] if gpus_how else None,
                gpus_allocated_how=gpus_how,
                cpus_allocated=host.environ[cpus_how] if cpus_how else None,
            )
    return Scheduler(name=None, how=None, gpus_allocated=None, gpus_allocated_how=None, cpus_allocated=None)


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    """Return the first variable that is set; an empty one counts, for it says 'none'."""
    return next((name for name in names if name in environ), None)
