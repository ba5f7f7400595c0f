"""Whose machine this is: clouds by the firmware's strings, hosted notebooks by their variables. No network."""

from collections.abc import Mapping

from envcheck.host import Host
from envcheck.model.facts import Cloud
from envcheck.model.unknown import Unknown
from envcheck.probes import files

DMI = "/sys/class/dmi/id"
_FIRMWARE = (
    ("sys_vendor", "Amazon EC2", "aws"),
    ("product_name", "Google Compute Engine", "gcp"),
    ("product_name", "Google", "gcp"),
    ("chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77", "azure"),
    ("chassis_asset_tag", "OracleCloud.com", "oracle"),
    ("product_name", "Alibaba Cloud ECS", "alibaba"),
    ("sys_vendor", "Tencent Cloud", "tencent"),
    ("sys_vendor", "DigitalOcean", "digitalocean"),
    ("sys_vendor", "Hetzner", "hetzner"),
    ("sys_vendor", "Scaleway", "scaleway"),
    ("sys_vendor", "Vultr", "vultr"),
    ("sys_vendor", "Akamai", "linode"),
    ("product_name", "OpenStack Nova", "openstack"),
    ("product_name", "OpenStack Compute", "openstack"),
)
"""Strings of the firmware, as cloud-init's tools/ds-identify compares them."""
_HOSTED = (
    ("COLAB_RELEASE_TAG", "colab"),
    ("KAGGLE_KERNEL_RUN_TYPE", "kaggle"),
    ("DATABRICKS_RUNTIME_VERSION", "databricks"),
    ("SAGEMAKER_INTERNAL_IMAGE_URI", "sagemaker"),
    ("SM_CURRENT_HOST", "sagemaker"),
    ("AZUREML_RUN_ID", "azureml"),
    ("VERTEX_PRODUCT", "vertex"),
    ("CLOUD_ML_JOB_ID", "vertex"),
    ("CODESPACES", "codespaces"),
    ("GITPOD_WORKSPACE_ID", "gitpod"),
    ("BINDER_SERVICE_HOST", "binder"),
    ("RUNPOD_POD_ID", "runpod"),
    ("PAPERSPACE_NOTEBOOK_ID", "paperspace"),
    ("LIGHTNING_CLOUD_PROJECT_ID", "lightning"),
    ("JUPYTERHUB_USER", "jupyterhub"),
    ("GITHUB_ACTIONS", "github-actions"),
    ("GITLAB_CI", "gitlab-ci"),
)
"""Variables that these services document or set in every session."""
_HOSTED_FILES = (
    ("/opt/ml/metadata/resource-metadata.json", "sagemaker"),
    ("/databricks/DBR_VERSION", "databricks"),
    ("/kaggle/working", "kaggle"),
)


def probe(host: Host) -> Cloud:
    """Return the cloud and the hosted environment, each with the file or variable that tells."""
    provider, how = _provider(host)
    hosted, hosted_how = _hosted(host)
    return Cloud(
        provider=provider,
        provider_how=how,
        machine_type=files.line(host, f"{DMI}/product_name"),
        hosted=hosted,
        hosted_how=hosted_how,
    )


def _provider(host: Host) -> tuple[str | None | Unknown, str | None | Unknown]:
    told: dict[str, str | None | Unknown] = {}
    for name, text, provider in _FIRMWARE:
        if name not in told:
            told[name] = files.line(host, f"{DMI}/{name}")
        value = told[name]
        if isinstance(value, str) and value.startswith(text):
            return provider, f"{DMI}/{name}"
    uuid = files.line(host, "/sys/hypervisor/uuid")  # instances of AWS before Nitro, on Xen
    if isinstance(uuid, str) and uuid.lower().startswith("ec2"):
        return "aws", "/sys/hypervisor/uuid"
    return None, None


def _hosted(host: Host) -> tuple[str | None, str | None]:
    for name, service in _HOSTED:
        if _is_set(host.environ, name):
            return service, name
    for path, service in _HOSTED_FILES:
        if host.exists(path) is True:
            return service, path
    return None, None


def _is_set(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").lower() not in ("", "0", "false")
