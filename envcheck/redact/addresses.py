"""Addresses of machines: IPv4, IPv6, MAC. A version of four parts (cuDNN 9.10.2.21) is none."""

import ipaddress
import re
from collections.abc import Callable, Collection

Alias = Callable[[str, str], str]

MAC = re.compile(
    r"(?<![0-9A-Za-z:.-])"
    r"(?:[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5,19}|(?=[0-9-]*[A-Fa-f])[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5})"
    r"(?![0-9A-Za-z:]|[.-][0-9A-Za-z])"
)
#: The name of a network interface that is made of its address (man 7 systemd.net-naming-scheme).
MAC_NAME = re.compile(r"(?<!\w)((?:en|ib|sl|wl|ww)x)([0-9a-f]{12})(?!\w)")
IPV4 = re.compile(r"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?!\w|\.[0-9])")
IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:]|\.[0-9])")
#: The name of a machine made of its address, as in Amazon's cloud.
IP_NAME = re.compile(r"(?<!\w)ip-(?:[0-9]{1,3}-){3}[0-9]{1,3}(?:\.[a-z0-9.-]*[a-z0-9])?(?!\w)")

#: How far back the words before a number are looked at, in characters.
CONTEXT = 80
_ADDRESS_BEFORE = re.compile(
    r"""(?ix)
    (?: :// | @ | \[ | \b[a-z]+[0-9]+:   # a URL, a login, brackets, the name of an interface
      | (?<![a-z])(?:
            ip(?:v4|addr)? | addr(?:ess(?:es)?)? | inet | host(?:name|s)? | gateway | nameservers? | dns | proxy | peer
          | server | listen(?:ing)? | bind | connect(?:ed|ing|ions?)? | ping | src | dst | endpoint | rendezvous
        )
        ["']? [\s:=(\["']* (?:(?:to|from|on|at|is|with|via)\s+)* ["'(\[]? )
    $"""
)
_ADDRESS_AFTER = re.compile(r":[0-9]{2,5}\b|/[0-9]{1,2}\b(?!\.)|<[0-9]+>")
_VERSION_JUST_BEFORE = re.compile(r"(?:[=<>~!]=\s?|[<>]\s?|(?<=[A-Za-z0-9\])+~])[~+-])$")
_VERSION_AFTER = re.compile(
    r"[-+~][A-Za-z]|-[0-9]+(?![0-9.])|\.(?:dev|post|rc|whl|so|tar|zip|exe|json|dist|egg|conda|deb|rpm)"
    r"|[ ](?:requires|depends[ ]on|has[ ]requirement|which[ ]is[ ]incompatible)\b"
)
_PRODUCT_BEFORE = re.compile(
    r"""(?ix)
    (?<![a-z])(?:lib)?(?:
        ver | versions? | release | cuda | cu | cudnn\w* | cublas\w* | cufft | curand | cusolver | cusparse\w* | nccl
      | tensorrt | trt | nvjitlink | nvrtc | nvtx | cupti | cufile | npp | nvjpeg | nvml | rocm | hip\w* | miopen
      | drivers? | toolkit | runtime | librar(?:y|ies) | packages? | wheel | kernel | linux | tensorflow | torch
      | opencv\S* | jax\w* | keras | numpy | openvino | onednn | mkl | vulkan | opengl | windows | wsl2? | python
      | firmware | vbios | bios | requires? | (?:compiled|built|linked)\s(?:with|against|for) | you\shave
      | [a-z0-9]+(?:-[a-z0-9]+)*-cu[0-9]+
    )
    (?: [\s:=(,"'\[/-]+
        (?: versions? | runtime | drivers? | librar(?:y|ies) | API | is | was | has | have | installed | found | loaded
          | with | to | from | of | and | but | or | than | you | needs? | needed | requires? | expected | instead
          | newer | older | uses? | at\sleast | [0-9]+(?:\.[0-9]+)+ )
        (?![a-z]) )*
    [\s:=("'\[]*$"""
)


def hide_addresses(text: str, alias: Alias, versions: Collection[str] = (), *, is_version: bool = False) -> str:
    """Replace addresses by what ``alias`` makes of their kind and value.

    ``versions`` are numbers of four parts that are known to be versions; ``is_version`` says that the
    text begins with one. Loopback addresses, netmasks and the address that stands for all stay.
    """
    if is_version:
        versions = {*versions, *version_of(text)}
    text = MAC.sub(lambda match: alias("mac", match[0].lower().replace("-", ":")), text)
    text = MAC_NAME.sub(lambda match: match[1] + alias("mac", ":".join(re.findall("..", match[2]))), text)
    text = IP_NAME.sub(lambda match: alias("host", match[0]), text)
    text = IPV6.sub(lambda match: alias("ip", match[0].lower()) if _is_ipv6(match[0]) else match[0], text)
    return IPV4.sub(lambda match: alias("ip", match[0]) if _is_ipv4(match, versions) else match[0], text)


def version_of(text: str) -> list[str]:
    """Return the number of four parts that a version begins with, if it does."""
    found = IPV4.match(text)
    return [found[0]] if found else []


def _is_ipv4(match: "re.Match[str]", versions: Collection[str]) -> bool:
    """Tell an address from a version of four parts by what stands around it; in doubt it is an address."""
    number, text = match[0], match.string
    try:
        address = ipaddress.IPv4Address(number)
    except ValueError:
        return False  # a part above 255, or one with a leading zero
    if address.is_loopback or number.startswith(("0.", "255.")):
        return False
    before = text[max(0, match.start() - CONTEXT) : match.start()].rpartition("\n")[2]
    after = text[match.end() : match.end() + CONTEXT]
    if _ADDRESS_BEFORE.search(before) or _ADDRESS_AFTER.match(after):
        return True
    if number in versions or _VERSION_JUST_BEFORE.search(before) or _VERSION_AFTER.match(after):
        return False
    return _PRODUCT_BEFORE.search(before) is None


def _is_ipv6(text: str) -> bool:
    """Tell an address from a PCI address, a time, or a name of C++ such as ``c10::d``."""
    groups = [group for group in text.split(":") if group]
    if not groups or (len(groups) <= 2 and len(groups[0]) < 4):
        return False
    if len(groups) == 1 and not any(character.isdigit() for character in groups[0]):
        return False
    try:
        return not ipaddress.IPv6Address(text).is_loopback
    except ValueError:
        return False
