"""Names that mean nobody in particular."""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Accounts that systems, images and services come with: everybody has them. (Debian's /etc/passwd, the images of the
#: cloud providers, GitHub's and GitLab's runners, the Jupyter, VS Code, conda-forge and Ray images.)
GENERIC_USERS = _words(
    """
    root admin administrator user users guest nobody daemon bin sys sync mail news proxy backup list man lp games uucp
    www www-data nginx apache mysql postgres redis mongodb systemd messagebus sshd ntp syslog
    ubuntu debian centos fedora rocky almalinux rhel opensuse arch alpine ec2-user azureuser cloud-user opc core
    vagrant docker container app apps runner runneradmin jenkins gitlab-runner gitlab github buildkite circleci travis
    ci build builder buildbot conda mamba anaconda miniconda jovyan vscode codespace gitpod coder colab kaggle
    sagemaker-user sagemaker databricks dbfs ray slurm dask spark hadoop airflow mlflow wandb workspace
    test tests tester testing demo dev devel developer student default public shared system service local localhost
    pi nvidia node appuser nonroot sandbox work worker operator linuxbrew
    """
)

#: Names of machines that tell nothing.
GENERIC_HOSTS = _words(
    """
    localhost localdomain local host hostname server client machine computer laptop desktop workstation pc vm guest
    ubuntu debian centos fedora linux windows macos raspberrypi docker container sandbox kubernetes minikube colab
    ip6-localhost ip6-loopback broadcasthost raspberry none unknown null login head headnode master manager compute
    storage gateway frontend submit web mail build prod staging production cluster cloud hpc lab office home
    """
)

#: Words that envcheck's own reports are made of; whoever is called so cannot be told from them.
OUR_WORDS = _words(
    """
    envcheck report schema created verdict facts findings finding evidence explained fix fixes commands command
    platform hardware driver drivers backend backends keras python notebook smoke error errors warning warnings info
    none kernel shell safe environment environments risk restart title message source verify
    ok pass passed fail failed failure unknown blocked crashed raised exited skipped denied unsupported timed absent
    malformed done signal stage stages import imports devices device place matmul conv recurrent train compile
    reduced-precision all-devices tensorflow tensorflow-cpu jax jaxlib torch pytorch openvino numpy scipy cuda cudnn
    cublas nccl nvml nvidia nouveau amd amdgpu intel apple rocm cpu gpu gpus mig memory disk home temporary target
    version versions path paths library libraries package packages module modules model models file files folder
    folders name names value values virtualenv venv conda pip poetry pdm default config linux darwin windows docker
    podman lxc wsl data dataset datasets project projects code src lib lib64 usr opt var etc tmp proc dev boot run
    share bin include site-packages dist-packages install installed user users host hosts mac uuid serial email secret
    ip a100 h100 h200 b200 v100 p100 t4 l4 l40 a10 a10g a40 dgx grace hopper ampere turing volta pascal ada
    enabled disabled true false yes null auto exclusive-process prohibited
    """
)

#: Names that are words of plain English too; they are looked for only where a user or a host is named.
ENGLISH = _words(
    """
    will mark grant bill rose frank drew chase miles wade hope faith page long young case king price rich stone field
    miller cook baker carter mason cooper hunter fisher summer dawn autumn iris olive pearl ruby crystal robin jack
    bell wood wells banks brooks rivers lane park hill ford small little short sharp strong green brown black white
    gray grey good best bright early late may june april august
    that this with from have more when your they them then than what were been some only over such into just like
    also back after used well even want because these give most
    """
)
#: Domains that many share: what stands before them tells no organisation.
DOMAINS_OF_MANY = _words(
    """
    home.arpa ec2.internal compute.internal amazonaws.com googleusercontent.com cloudapp.net azure.com github.com
    """
)
SHORTEST_NAME = 4  #: shorter ones too are looked for only where a user or a host is named
#: Names such as ``gpu0`` or ``node1`` may mean a part of the machine; those with a longer number are somebody's hosts.
_NUMBERED = re.compile(
    r"(?:gpu|cpu|node|cuda|device|rank|worker|host|server|login|compute|pc|vm|user|cn|n)[-_]?[0-9]?", re.IGNORECASE
)


def is_generic(name: str) -> bool:
    """Say whether a name of a user or a machine is one that many have, or that cannot be told from envcheck's words."""
    return name.lower() in GENERIC_USERS | GENERIC_HOSTS | OUR_WORDS


def is_common_word(name: str) -> bool:
    """Say whether a name can stand in a text without meaning anybody."""
    is_word = name.isdigit() or name.lower() in ENGLISH or _NUMBERED.fullmatch(name) is not None
    return is_word or len(name) < SHORTEST_NAME
