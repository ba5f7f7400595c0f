"""Nothing that identifies a person or a machine is left in a report, and everything else is."""

import subprocess
from typing import Any

import msgspec
import pytest
from documents import complete, texts
from hypothesis import assume, example, given, settings, strategies as st

from envcheck.model.report import Evidence, Explanation, Report
from envcheck.redact import Identity, identity_from, redact, redact_explanation, redact_text
from envcheck.redact.names import is_generic
from envcheck.snapshot import load_report

USER, HOME, HOST, DOMAIN = "asmith", "/home/asmith", "tiamat", "cluster.acme.example"
ME = Identity(users=(USER,), homes=(HOME,), hosts=(f"{HOST}.{DOMAIN}", HOST), secrets=("correct horse battery",))
NOBODY = Identity()

#: Fields that hold words of the code; no name of a user or a host is looked for in them.
CODE_WORDS = ("/envcheck", "/created", "/findings/0/id", "/findings/0/explained_by", "/outcomes/0/id", "/fact")


def everywhere(sentence: str, *, unknown: bool = False) -> Report:
    """Return a report with ``sentence`` in every text of every record."""

    def text(place: str) -> str:
        if place.endswith("/platform/home"):
            return "~"  # a home would be looked for everywhere; see the test of its own
        is_variable = "/environment" in place and place.endswith("/name")
        return "CUDA_VISIBLE_DEVICES" if is_variable else sentence

    return msgspec.convert(complete(Report, text, unknown=unknown), Report)


def shown(report: Report, identity: Identity = ME) -> str:
    """Return a redacted report as JSON; it must still be one, and redacting it again must change nothing."""
    redacted = redact(report, identity)
    data = msgspec.json.encode(redacted)
    assert load_report(data, "redacted") == redacted
    assert redact(redacted, identity) == redacted
    return data.decode()


# --- what must go, in every field -----------------------------------------------------------------

HEX = st.sampled_from("0123456789abcdef")
WORD = st.text("abcdefghijklmnopqrstuvwxyz", min_size=6, max_size=12).filter(lambda word: not is_generic(word))
RANDOM = st.text("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789", min_size=36, max_size=40).filter(
    lambda text: any(character.isdigit() for character in text)
)
UPPER = st.text("ABCDEFGHJKLMNPQRSTUVWXYZ234567", min_size=16, max_size=16)


def hexadecimal(size: int) -> st.SearchStrategy[str]:
    return st.text(HEX, min_size=size, max_size=size)


def uuids() -> st.SearchStrategy[str]:
    return st.uuids().map(str)


OCTET = st.integers(0, 255).map(str)
FIRST_OCTET = (st.integers(1, 126) | st.integers(128, 254)).map(str)
IPV4 = st.tuples(FIRST_OCTET, OCTET, OCTET, OCTET).map(".".join)
IPV6 = st.one_of(
    st.lists(hexadecimal(4), min_size=7, max_size=7).map(lambda groups: "2a02:" + ":".join(groups)),
    st.lists(hexadecimal(3), min_size=1, max_size=3).map(lambda groups: "2001:db8::" + ":".join(groups)),
    st.lists(hexadecimal(4), min_size=4, max_size=4).map(lambda groups: "fe80::" + ":".join(groups)),
)
MAC = st.lists(hexadecimal(2), min_size=6, max_size=6).map(":".join)

LETTERED_MAC = MAC.filter(lambda mac: not mac.replace(":", "").isdigit())

#: For each kind: what is planted, and the sentences that it is planted in.
PLANTS: dict[str, tuple[st.SearchStrategy[str], tuple[str, ...]]] = {
    "own user": (
        st.just(USER),
        ("job of {0}", "/scratch/{0}/run", "/tmp/{0}_cache/x", "{0}@login", "drwx {0} {0} 4096", "'{0}'",
            "uid=1000({0})"),
    ),
    "own host": (
        st.sampled_from([HOST, f"{HOST}.{DOMAIN}", HOST.upper() + f".{DOMAIN}"]),
        ("{0}", "Linux {0} 6.1.0-28-amd64 x86_64", "connected to {0}:8888", "http://{0}/lab", "'{0}-eth0'"),
    ),
    "host of the same domain": (
        WORD.map(lambda word: f"{word}.{DOMAIN}") | WORD.map(lambda word: f"{word}.acme.example"),
        ("mounted from {0}:/export", "https://{0}/simple/", "cannot resolve {0}."),
    ),
    "home of another": (
        WORD,
        (
            "/home/{0}/x.py", "File \"/Users/{0}/model.py\", line 3", "C:\\Users\\{0}\\venv",
            "C:\\\\Users\\\\{0}\\\\venv",
            "c:/users/{0}/x", "/nfs/home/{0}", "'/home/{0}'", "~{0}/data", "PATH=/home/{0}/bin:/usr/bin",
            "{0}@server:~/x",
        ),
    ),
    "IPv4": (
        IPV4,
        (
            "connect to {0} failed", "{0}:8888", "http://{0}/", "inet {0}/24",
            "NCCL INFO Using [0]eth0:{0}<0>", "no answer by {0}",
            "MASTER_ADDR={0}", "TensorFlow: host {0} refused", "peers {0}, {0}", "[{0}]", "ssh admin@{0}",
        ),
    ),
    "IPv6": (IPV6, ("listening on [{0}]:8888", "inet6 {0}/64", "{0}", "route to {0} is gone")),
    "MAC": (
        MAC | MAC.map(str.upper) | LETTERED_MAC.map(lambda mac: mac.replace(":", "-")),
        ("ether {0} txqueuelen", "{0}", "MAC={0};"),
    ),
    "name of a network interface": (hexadecimal(12), ("eth0, enx{0}, lo", "NCCL_SOCKET_IFNAME=wlx{0}")),
    "GPU": (uuids(), ("GPU-{0}", "MIG-{0}", "MIG-GPU-{0}/1/0", "CUDA_VISIBLE_DEVICES=GPU-{0},GPU-{0}", "uuid: {0}")),
    "serial number": (
        st.integers(10**11, 10**13).map(str) | UPPER.map(lambda text: f"7{text}"),
        ("Serial Number : {0}", "<serial>{0}</serial>", "serial={0}", "Serial number {0} of the board", "S/N: {0}"),
    ),
    "e-mail": (
        st.builds("{}.{}@{}.org".format, WORD, WORD, WORD),
        ("write to {0}.", "<{0}>", "Author: A <{0}>", "mailto:{0}"),
    ),
    "token": (
        st.one_of(
            RANDOM.map(lambda text: f"ghp_{text}"),
            RANDOM.map(lambda text: f"github_pat_{text}"),
            RANDOM.map(lambda text: f"glpat-{text}"),
            RANDOM.map(lambda text: f"hf_{text}"),
            RANDOM.map(lambda text: f"sk-{text}"),
            RANDOM.map(lambda text: f"sk-ant-api03-{text}"),
            RANDOM.map(lambda text: f"xoxb-{text}"),
            RANDOM.map(lambda text: f"AIza{text}"),
            RANDOM.map(lambda text: f"npm_{text}"),
            RANDOM.map(lambda text: f"pypi-AgE{text}"),
            RANDOM.map(lambda text: f"nvapi-{text}"),
            UPPER.map(lambda text: f"AKIA{text}"),
            st.builds("eyJ{0}.{1}.{2}".format, RANDOM, RANDOM, RANDOM),
        ),
        ("{0}", "using {0} now", "X={0}", "'{0}'", "https://x.org/{0}/y", "({0})"),
    ),
    "password": (
        RANDOM | WORD,
        (
            "https://conda.anaconda.org/t/{0}/lab/linux-64", "https://me:{0}@pypi.org/simple",
            "git+https://{0}@github.com/a/b", "password={0}",
            "PASSWORD: {0}", '"password": "{0}"',
            "{{'db_password': '{0}'}}", "mysql --password {0} -h x", "--auth-token={0}",
            "http://localhost:8888/?token={0}",
            "http://localhost/lab?a=1&token={0}&b=2", "WANDB_API_KEY={0}", "export HF_TOKEN='{0}'",
            "AWS_SECRET_ACCESS_KEY={0} x",
            "error: MY_PASS={0}", '{{"token_count":5,"password":"{0}"}}', "machine x login me password {0}",
            "clientSecret={0}",
            "Authorization: Basic {0}", "-H 'Authorization: token {0}'", "Cookie: a={0}; b", "SSHPASS={0}",
        ),
    ),
    "bearer": (RANDOM, ("Authorization: Bearer {0}", "sent bearer {0}", "x-api-key: {0}", "api_key={0}", "sig: {0}")),
    "key": (
        st.lists(RANDOM, min_size=2, max_size=3).map("\n".join),
        (
            "-----BEGIN RSA PRIVATE KEY-----\n{0}\n-----END RSA PRIVATE KEY-----",
            "x -----BEGIN OPENSSH PRIVATE KEY-----\n{0}",
            "-----BEGIN CERTIFICATE-----\n{0}\n-----END CERTIFICATE----- y",
        ),
    ),
    "public key": (RANDOM, ("ssh-ed25519 AAAA{0} me", "ssh-rsa AAAA{0}")),
    "secret of the environment": (st.just("correct horse battery"), ("it said correct horse battery.",
        "x=correct horse battery")),
}  # fmt: skip


@pytest.mark.parametrize("unknown", [False, True], ids=["known", "unknown"])
@pytest.mark.parametrize("kind", PLANTS)
def test_no_field_keeps(kind: str, unknown: bool) -> None:
    values, sentences = PLANTS[kind]
    own_words = {text for _, text in texts(everywhere("-", unknown=unknown))}

    @settings(max_examples=len(sentences) + 3, deadline=None)
    @given(st.sampled_from(sentences), values)
    def check(sentence: str, value: str) -> None:
        assume(not any(value in text for text in own_words))  # such as 'lastin' in 'lasting', which a fix may be
        planted = sentence.format(value)
        report = everywhere(planted, unknown=unknown)
        assert any(planted in text for _, text in texts(report))
        again = msgspec.json.decode(shown(report))
        for place, text in texts(again):
            if kind in ("own user", "own host", "host of the same domain") and place.endswith(CODE_WORDS):
                continue
            for part in value.split("\n"):
                assert part not in text, place

    check()


@pytest.mark.parametrize("unknown", [False, True], ids=["known", "unknown"])
def test_no_field_keeps_the_home_folder(unknown: bool) -> None:
    for sentence in (HOME, f"{HOME}/venv/bin/python", f"PATH={HOME}/bin:/bin", f"'{HOME}/a b'", f"open({HOME})."):
        again = msgspec.json.decode(shown(everywhere(sentence, unknown=unknown)))
        assert not [place for place, text in texts(again) if HOME in text]
        assert redact_text(sentence, ME) == sentence.replace(HOME, "~")


# --- what must stay, in every field ---------------------------------------------------------------

HARMLESS = [
    "cuDNN 9.10.2.21 is installed",
    "nvidia-cudnn-cu12==9.10.2.21; platform_system == 'Linux'",
    "torch 2.5.1 requires nvidia-curand-cu12 10.3.5.147, but you have 10.3.6.82 which is incompatible.",
    "Loaded runtime CuDNN library: 8.2.1.32 but source was compiled with: 8.6.0.163.",
    "/usr/lib/x86_64-linux-gnu/libcudnn.so.9.10.2.21",
    "nvidia_cublas_cu12-12.4.5.8-py3-none-manylinux2014_x86_64.whl",
    "site-packages/nvidia_curand_cu12-10.3.5.147.dist-info",
    "cudnn=8.9.2.26=cuda12_0 libcublas=12.4.5.8",
    "upgrade CUDA from 12.4.1.0 to 12.6.2.3, TensorRT 10.0.1.6 or newer",
    "5.15.153.1-microsoft-standard-WSL2",
    "8.9.7.29-1+cuda12.2",
    "31.0.15.3667 96.00.61.00.01 550.54.14 12.4 2026.11.22.1.5",
    "torch-2.5.1+cu121-cp311-cp311-linux_x86_64.whl#sha256=" + "1f2e3d4c5b6a7988" * 4,
    "commit 0123456789abcdef0123456789abcdef01234567, md5 d41d8cd98f00b204e9800998ecf8427e",
    "0000:01:00.0 00000000:01:00.0 10de:2330 pci@0000:01:00.0",
    "2026-11-22T19:00:00+00:00 19:00:00 2026-11-22 19:00:00.123456: W external/xla logs/20-11-22-10-33-44",
    "undefined symbol: _ZNK3c1010TensorImpl36is_contiguous_nondefault_policy_implENS_12MemoryFormatE",
    "undefined symbol: memcpy@GLIBC_2.14, cudaMalloc@libcudart.so.12, gcc@12.2.0, y = x@self.kernel",
    "c10::Error c10::d at::Tensor std::vector<int> a::b torch::autograd::Node dec::add",
    "/device:GPU:0 gpu:0 GPU-0 GPU 17 cuda:1 sm_90 compute_90 H100 gpu0 node1",
    "127.0.0.1:8888 0.0.0.0 ::1 localhost 255.255.255.0",
    "pip install --index-url https://download.pytorch.org/whl/cu121 torch==2.5.1",
    "git+https://github.com/keras-team/keras.git git@github.com:keras-team/keras.git ssh://git@github.com/a/b",
    "CUDA_VISIBLE_DEVICES=0,1 TF_CPP_MIN_LOG_LEVEL=2 XLA_FLAGS=--xla_gpu_cuda_data_dir=/usr/local/cuda",
    "pad_token: [PAD] eos_token_id=2 max_new_tokens=512 tokenizers==0.15.0 token_type_ids=0123456789 sort_key=lambda",
    "PWD=/usr/lib keyboard: us author: Anne compass=123456789 hotkey=ctrl password: None --token $TOKEN secret=<unset>",
    "Ignoring invalid distribution ~ensorflow (/usr/lib/python3/dist-packages) ~5 GB",
    "/home/ubuntu/.keras/keras.json /home/conda/feedstock_root/x /Users/runner/work /home/jovyan/x root test user",
    "https://discuss.pytorch.org/t/cuda-is-not-available/12345 eth0 enp3s0 wlan0 docker0",
    "https://docs.nvidia.com/home/index.html https://example.org/users/guide",
    "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c 00000000-0000-0000-0000-000000000000",
    "11.1.1+~10.9.0.58~11.8.0-5~deb12u1 and opencv-python 4.12.0.88 requires numpy",
    "a will to mark the max test of art in may",
    "serial8250: ttyS0 at I/O 0x3f8 (irq = 4, base_baud = 115200) is a 16550A, serial port 2",
    "NVRM: Xid (PCI:0000:01:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.",
    "[    5.123456] nvidia 0000:01:00.0: enabling device (0000 -> 0003)",
    "0x00007ffd5e8fe000 (0x7f1c2a000000) RIP: 0010:ffffffffc0a5e3b1",
    "user-1 host-2 ip-3 secret-4",
]  # fmt: skip
WHOLLY_HIDDEN = ("/uuid", "/serial", "/unique_id")


@pytest.mark.parametrize("sentence", HARMLESS)
def test_every_field_keeps(sentence: str) -> None:
    assert redact_text(sentence, ME) == sentence
    for unknown in (False, True):
        report = everywhere(sentence, unknown=unknown)
        redacted = dict(texts(redact(report, ME)))
        changed = {
            place: redacted[place]
            for place, text in texts(report)
            if redacted[place] != text and not place.endswith(WHOLLY_HIDDEN)
        }
        assert changed == {}


def test_a_version_known_from_its_field_is_none_of_the_addresses() -> None:
    report = everywhere("fine")
    library = msgspec.structs.replace(first(first(report.facts.smoke).libraries), version="10.3.5.147")
    finding = msgspec.structs.replace(
        report.findings[0],
        message="The version is wrong: it is 10.3.5.147, and 10.9.9.9 cannot be reached, nor 10.3.5.147:80.",
    )
    smoke = (msgspec.structs.replace(first(report.facts.smoke), libraries=(library,)),)
    facts = msgspec.structs.replace(report.facts, smoke=smoke)
    redacted = redact(msgspec.structs.replace(report, facts=facts, findings=(finding,)), ME)
    message = "The version is wrong: it is 10.3.5.147, and ip-1 cannot be reached, nor ip-2:80."
    assert redacted.findings[0].message == message
    assert first(first(redacted.facts.smoke).libraries).version == "10.3.5.147"


def first(values: Any) -> Any:
    return values[0]


# --- stand-ins ------------------------------------------------------------------------------------


def test_the_same_value_gets_the_same_stand_in() -> None:
    uuid, other = "8932f937-d72c-4106-c12f-20bd9faed9f6", "8932f937-0000-4106-c12f-20bd9faed9f6"
    text = f"GPU-{uuid} GPU-{other} GPU-{uuid.upper()} {uuid} CUDA_VISIBLE_DEVICES=GPU-8932f937-d"
    assert redact_text(text, ME) == "gpu-1 gpu-2 gpu-1 gpu-1 CUDA_VISIBLE_DEVICES=gpu-1"
    assert (
        redact_text("http://10.1.1.1/ http://10.2.2.2/ http://10.1.1.1/", ME)
        == "http://ip-1/ http://ip-2/ http://ip-1/"
    )
    assert redact_text(f"{HOST} {HOST}.{DOMAIN} other.{DOMAIN}", ME) == "host-1 host-1 host-2"
    assert (
        redact_text("/home/bob /home/carol /Users/bob /home/asmith2", ME)
        == "/home/user-2 /home/user-3 /Users/user-2 /home/user-4"
    )


def test_a_stand_in_in_the_input_is_not_given_to_another() -> None:
    once = redact_text("/home/bob", NOBODY)
    assert redact_text(f"{once} /home/carol", NOBODY) == "/home/user-1 /home/user-2"


def test_redacting_again_on_another_machine_changes_nothing() -> None:
    report = everywhere(f"{HOME}/x on {HOST} at http://10.0.0.1/ with password={'x' * 8}")
    once = redact(report, ME)
    assert redact(once, NOBODY) == once


SNIPPETS = st.sampled_from(
    [sentence.format("bqxz7") for _, sentences in PLANTS.values() for sentence in sentences]
    + HARMLESS
    + [HOME, USER, HOST, f"{HOST}.{DOMAIN}", "10.3.5.147", "fe80::1", "aa:bb:cc:dd:ee:ff", "a@b.org",
        "GPU-8932f937", "~", "'", '"']
    + ["user-1", "secret-1", "ip-1", "password=", "token:", "://", "@", ":", "/home/", "C:\\Users\\",
        "-----BEGIN KEY-----", "?token="]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(SNIPPETS | st.text(max_size=5), max_size=6), st.sampled_from(["", " ", "\n", "/", "=", ":", ", "]))
@example(["https://", "me:bqxz7@pypi.org", "ssh-rsa AAAA" + "x" * 30], "")
def test_redacting_twice_is_redacting_once(pieces: list[str], between: str) -> None:
    once = redact_text(between.join(pieces), ME)
    assert redact_text(once, ME) == once


# --- names that are words -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["root", "ubuntu", "runner", "jovyan", "test", "driver", "tensorflow", "gpu", "error"])
def test_a_name_that_many_have_is_kept(name: str) -> None:
    me = Identity(users=(name,), homes=(f"/home/{name}",), hosts=(name,))
    report = everywhere(f"the {name} of /srv/{name}/x and {name}_y; /home/{name}/z")
    redacted = redact(report, me)
    assert redacted.findings[0].message == f"the {name} of /srv/{name}/x and {name}_y; ~/z"
    assert load_report(msgspec.json.encode(redacted), "redacted").verdict == report.verdict


@pytest.mark.parametrize("name", ["a", "al", "max", "will", "7"])
def test_a_name_that_is_a_word_is_hidden_where_a_user_is_named(name: str) -> None:
    me = Identity(users=(name,), homes=(f"/home/{name}",))
    kept = f"{name} {name}x x{name} x-{name} {name}=3 {name}, {name}.py"
    assert redact_text(kept, me) == kept
    named = (
        f"user {name}; /scratch/{name}/x; {name}@pc; USER={name} uid=1000({name}) '/data/{name}' C:\\Users\\{name}\\x"
    )
    assert redact_text(named, me) == named.replace(f" {name};", " user-1;").replace(f"={name} ", "=user-1 ").replace(
        f"/{name}", "/user-1"
    ).replace(f"{name}@", "user-1@").replace(f"({name})", "(user-1)").replace(f"\\{name}\\", "\\user-1\\")


@pytest.mark.parametrize("name", ["n1", "gpu0"])
def test_a_name_that_is_a_word_is_hidden_where_a_host_is_named(name: str) -> None:
    me = Identity(hosts=(name,))
    assert redact_text(f"{name} {name}:0 /{name}", me) == f"{name} {name}:0 /{name}"
    text = f"bob@{name} http://{name}:80 host {name}, hostname={name}"
    assert redact_text(text, me) == "bob@host-1 http://host-1:80 host host-1, hostname=host-1"


def test_names_do_not_wreck_words() -> None:
    me = Identity(users=("anne", "müller"), hosts=("orion",))
    assert redact_text("planned, orionis, Anne, müllers, channel", me) == "planned, orionis, Anne, müllers, channel"
    assert redact_text("anne-x müller's orion_y anne.z", me) == "user-2-x user-1's host-1_y user-2.z"


# --- the user's home ------------------------------------------------------------------------------


@pytest.mark.parametrize("home", ["", "/", "/home", "/root/", "/usr", "/nonexistent", "C:\\Users", "/var/empty", "~"])
def test_a_home_that_is_none(home: str) -> None:
    text = "/usr/bin /home/ubuntu / C:\\Users\\Public\\x /nonexistent/x ~/x"
    assert redact_text(text, Identity(homes=(home,))) == text


def test_a_home_with_another_beginning() -> None:
    me = Identity(homes=(HOME,))
    assert redact_text("/mnt/home/asmith /home/asmith2 /home/asmith.bak x/home/asmith", me) == (
        "/mnt/home/user-1 /home/user-2 /home/user-3 x/home/user-1"
    )


def test_a_home_on_windows() -> None:
    me = identity_from(
        {"USERPROFILE": "C:\\Users\\Anne Smith", "USERNAME": "Anne Smith"}, "DESKTOP-4F2K", "Anne Smith", ""
    )
    text = "C:\\Users\\Anne Smith\\venv c:/users/anne smith/x 'C:\\\\Users\\\\Anne Smith\\\\y' DESKTOP-4F2K"
    assert redact_text(text, me) == "~\\venv ~/x '~\\\\y' host-1"


COMMANDS = [
    "{home}/venv/bin/python -m pip list",
    "'{home}/my env/bin/python' -V",
    '"{home}/my env/bin/python" -V',
    "KERAS_HOME={home}/k python",
    "x --prefix={home}/a --prefix='{home}/b c' --opt='x {home}/d'",
    "export PATH={home}/bin:/usr/bin:{home}/.local/bin",
    "cat <{home}/in >'{home}/out' {home}",
    "python -c 'open(\"{home}/x\")' '{home}'",
    "echo it\\'s {home}/x",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_stay_runnable(command: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    # The shell itself says what words it sees, before and after.
    home = "/home/asmith"
    report = everywhere("fine")
    fix = msgspec.structs.replace(report.findings[0].fixes[0], commands=(command.format(home=home),), verify=None)
    finding = msgspec.structs.replace(report.findings[0], fixes=(fix,))
    redacted = redact(msgspec.structs.replace(report, findings=(finding,)), ME)
    (shortened,) = redacted.findings[0].fixes[0].commands
    assert "asmith" not in shortened
    assert words_of(shortened, home) == words_of(command.format(home=home), home)


def words_of(command: str, home: str) -> list[str]:
    """Return how bash expands a command that is not run."""
    listed = command.replace("<", " in: ").replace(">", " out: ")
    if listed.startswith(("KERAS_HOME=", "export ")):
        listed = f"{listed.split()[0] if listed[0] == 'K' else listed}; env | grep -e ^KERAS_HOME -e ^PATH"
        script = f"set -a; {listed}"
    else:
        script = f"printf '%s\\n' {listed}"
    environ = {"HOME": home, "PATH": "/usr/bin:/bin"}
    result = subprocess.run(["bash", "-c", script], env=environ, capture_output=True, text=True, check=False)
    return result.stdout.splitlines()


# --- reports as a whole ---------------------------------------------------------------------------


def with_variable(name: str, value: str) -> Report:
    report = everywhere("fine")
    variable = msgspec.structs.replace(first(report.facts.platform.environment), name=name, value=value)
    platform = msgspec.structs.replace(report.facts.platform, environment=(variable,))
    evidence = (
        Evidence(fact="/platform/environment/0/value", value=value),
        Evidence(fact="/platform/environment/0", value={"name": name, "value": value}),
        Evidence(fact="/platform/environment", value=[{"name": name, "value": value}]),
    )
    finding = msgspec.structs.replace(report.findings[0], evidence=evidence, message=f"It is set to {value}.")
    facts = msgspec.structs.replace(report.facts, platform=platform)
    return msgspec.structs.replace(report, facts=facts, findings=(finding,))


def test_variables_on_the_allow_list_stay() -> None:
    redacted = redact(with_variable("LD_LIBRARY_PATH", f"{HOME}/lib:/usr/local/cuda"), ME)
    shorter = "~/lib:/usr/local/cuda"
    assert first(redacted.facts.platform.environment).value == shorter
    assert [evidence.value for evidence in redacted.findings[0].evidence] == [
        shorter,
        {"name": "LD_LIBRARY_PATH", "value": shorter},
        [{"name": "LD_LIBRARY_PATH", "value": shorter}],
    ]


@pytest.mark.parametrize("name", ["MY_COMPANY", "HF_TOKEN", "TF_VAR_db", "NCCL_SECRET_X", "http_proxy"])
def test_variables_on_no_list_are_hidden(name: str) -> None:
    redacted = redact(with_variable(name, "quite harmless"), ME)
    assert first(redacted.facts.platform.environment).value == "secret-1"
    assert [evidence.value for evidence in redacted.findings[0].evidence] == [
        "secret-1",
        {"name": name, "value": "secret-1"},
        [{"name": name, "value": "secret-1"}],
    ]
    assert redacted.findings[0].message == "It is set to secret-1."


def test_a_report_of_another_machine_hides_its_own_home() -> None:
    report = everywhere("/cluster/users/zed/venv on the machine of zed")
    platform = msgspec.structs.replace(report.facts.platform, home="/cluster/users/zed")
    report = msgspec.structs.replace(report, facts=msgspec.structs.replace(report.facts, platform=platform))
    redacted = redact(report, ME)
    assert redacted.facts.platform.home == "~"
    assert "/users/zed" not in shown(report)
    assert redacted.findings[0].message.startswith("~/venv on")


def test_a_report_stays_of_its_class() -> None:
    class Shown(Report, frozen=True, kw_only=True):
        pass

    report = msgspec.convert(msgspec.to_builtins(everywhere(HOME)), Shown)
    assert type(redact(report, ME)) is Shown


def test_an_explanation_is_redacted_too() -> None:
    findings = everywhere(f"{HOME}/x.py on {HOST}").findings
    explanation = Explanation(schema="envcheck.explanation/1", envcheck="0.1.0", findings=findings)
    redacted = redact_explanation(explanation, ME)
    assert redacted.findings[0].title == "~/x.py on host-1"
    assert USER not in msgspec.json.encode(redacted.findings[0].fixes).decode()
    assert redact_explanation(redacted, ME) == redacted


# --- identity -------------------------------------------------------------------------------------


def test_identity_comes_from_the_system_and_the_environment() -> None:
    environ = {
        "USER": "asmith", "LOGNAME": "asmith", "SUDO_USER": "boss", "HOME": "/root", "HOSTNAME": "tiamat",
        "HF_TOKEN": "abcdefgh1",
        "SHORT_TOKEN": "abc", "SSH_AUTH_SOCK": "/tmp/ssh-x/agent.1", "GITHUB_TOKEN_FILE": "/run/secrets/x",
        "LANG": "de_DE.UTF-8",
        "TF_TOKENIZER": "12345678901", "USERPROFILE": "",
    }  # fmt: skip
    assert identity_from(environ, "tiamat.acme.example", "ACME\\asmith", "/home/asmith") == Identity(
        users=("ACME\\asmith", "asmith", "boss"),
        homes=("/home/asmith", "/root"),
        hosts=("tiamat.acme.example", "tiamat"),
        secrets=("abcdefgh1",),
    )
    assert identity_from({}, "", "", "") == NOBODY


@given(st.text(max_size=200))
def test_nobody_changes_only_what_has_a_shape(text: str) -> None:
    assume(not any(character in text for character in "@:/\\=-~."))
    assert redact_text(text, NOBODY) == text


@pytest.mark.parametrize(
    "piece",
    ["token", "a", "-", "/home/a", "1.2.3.4 ", "::", "a@", "://a", "-----BEGIN A-----", "=", "'",
        "0123456789abcdef-", "aa:",
     "password=", "cuda ", "https://a/", "user ", "a.b.", "eyJa.", "sk-a", "serial ", " ", "\n", "A:/Users/a ", "=\\'"],
)  # fmt: skip
def test_long_texts_take_no_longer_than_they_are_long(piece: str) -> None:
    # The tail of stderr has 128 KiB. Where a pattern would look at each part again for each part, this would not end.
    text = piece * (128 * 1024 // len(piece))
    assert redact_text(redact_text(text, ME), ME) == redact_text(text, ME)
