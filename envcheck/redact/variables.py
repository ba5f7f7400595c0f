"""Which environment variables are harmless: an allow-list, so that no secret gets out by accident."""

PREFIXES = (
    "CUDA_", "CUDNN_", "CUBLAS_", "NVIDIA_", "NCCL_", "TRITON_",
    "KERAS_", "TF_", "TF2_", "XLA_", "JAX_", "JAXLIB_", "TORCH_", "TORCHINDUCTOR_", "PYTORCH_",
    "OPENVINO_", "ONEDNN_", "DNNL_",
    "HIP_", "ROCR_", "HSA_", "ROCM_", "MIOPEN_", "ZE_", "SYCL_", "ONEAPI_",
    "OMP_", "KMP_", "MKL_", "OPENBLAS_", "GOTO_", "BLIS_", "VECLIB_", "NUMEXPR_", "NPY_", "ATEN_", "GOMP_",
    "PYTHON", "DYLD_", "MALLOC_",
)  # fmt: skip
NAMES = frozenset(
    (
        "PATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "LD_AUDIT", "LD_BIND_NOW", "LIBRARY_PATH", "VIRTUAL_ENV", "UV_PYTHON",
        "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME", "MPLBACKEND",
        "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "CONDA_SHLVL", "CONDA_OVERRIDE_CUDA", "CONDA_OVERRIDE_GLIBC",
        "OCL_ICD_VENDORS", "COMPUTE_PROFILE", "NSIGHT_CUDA_DEBUGGER", "GPU_DEVICE_ORDINAL",
        "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV", "TPU_VISIBLE_CHIPS",
        "WORLD_SIZE", "LOCAL_WORLD_SIZE", "RANK", "LOCAL_RANK", "RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES",
        "APPTAINER_NV", "SINGULARITY_NV", "APPTAINER_ROCM", "SINGULARITY_ROCM", "WSL_DISTRO_NAME",
        "SLURM_JOB_ID", "SLURM_JOB_GPUS", "SLURM_STEP_GPUS", "SLURM_GPUS", "SLURM_GPUS_ON_NODE", "SLURM_GPUS_PER_NODE",
        "SLURM_GPUS_PER_TASK", "SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE", "SLURM_JOB_CPUS_PER_NODE",
        "SLURM_MEM_PER_NODE", "SLURM_MEM_PER_CPU", "SLURM_NTASKS", "SLURM_NNODES", "SLURM_PROCID", "SLURM_LOCALID",
        "tf.enable_resource_variables()",  # no variable, but recorded among them: workers/_smoke/keras2_tensorflow1.py
    )
)  # fmt: skip
FOREIGN = ("TF_VAR_", "TF_CLI_", "TF_LOG", "TF_DATA_DIR", "TF_WORKSPACE", "TF_PLUGIN_", "TF_REGISTRY_")
"""Terraform's variables (developer.hashicorp.com/terraform/cli/config/environment-variables) may hold secrets."""
SECRET_WORDS = ("TOKEN", "SECRET", "PASS", "KEY", "CREDENTIAL", "AUTH", "COOKIE", "PROXY", "SESSION", "CERT", "ACCOUNT")


def is_harmless(name: str) -> bool:
    """Say whether a variable is on the allow-list. A name that hints at a secret is not, whatever its beginning."""
    if name.startswith(FOREIGN):
        return False
    if any(word in name.upper() for word in SECRET_WORDS):
        return False
    return name in NAMES or name.startswith(PREFIXES)
