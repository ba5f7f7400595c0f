"""Machines that people have: which set the solver names, and what it says of newer releases."""

import pytest
from packaging.version import Version

from envcheck.fixes.solver.environment import Installed, Wish
from envcheck.fixes.solver.machine import Machine
from envcheck.fixes.solver.notes import notes
from envcheck.fixes.solver.pins import pins
from envcheck.fixes.solver.solve import elsewhere, solve
from solver.checking import wrong
from solver.machines import chosen, linux, solved

ALL = ("tensorflow", "torch", "jax")


def test_pascal_with_driver_535_gets_the_last_build_of_torch_for_it() -> None:
    machine = linux(gpu=(6, 1), driver="535.183.01")
    answer = solved(machine, "torch", on_gpu=("torch",))
    assert answer.solution is not None
    torch = answer.solution.chosen["torch"]
    assert torch.version.local == "cu126"
    assert torch.index == "https://download.pytorch.org/whl/cu126"
    assert any("compute capability 7.5" in note for note in notes(answer, ["torch"]))
    assert wrong(machine, answer, frozenset({"torch"})) == []


@pytest.mark.parametrize("name", ["tensorflow", "jax"])
def test_pascal_gets_the_last_cudnn_that_supports_it(name: str) -> None:
    answer = solved(linux(gpu=(6, 1), driver="535.183.01"), name, on_gpu=(name,))
    assert "nvidia-cudnn-cu12==9.10.2.21" in pins(answer)


def test_maxwell_gets_the_last_tensorflow_with_code_for_it_and_is_told_why() -> None:
    answer = solved(linux(gpu=(5, 0), driver="535.183.01"), "tensorflow", on_gpu=("tensorflow",))
    assert pins(answer) == ("tensorflow[and-cuda]==2.16.2",)
    assert notes(answer, ["tensorflow"]) == ("TensorFlow 2.17 to 2.21 needs a GPU of compute capability 6.0 or higher",)


def test_an_old_driver_gets_the_newest_set_for_it_and_is_told_which_driver_leads_further() -> None:
    machine = linux(gpu=(8, 6), driver="550.54.14")
    answer = solved(machine, "torch", on_gpu=("torch",))
    assert wrong(machine, answer, frozenset({"torch"})) == []
    said = notes(answer, ["torch"])
    assert said[0].endswith("needs the NVIDIA driver 580.65.06 or newer")


def test_driver_470_gets_builds_for_cuda_11() -> None:
    machine = linux("3.10.13", gpu=(7, 5), driver="470.256.02")
    for name in ("tensorflow", "torch"):
        answer = solved(machine, name, on_gpu=(name,))
        assert wrong(machine, answer, frozenset({name})) == []
        assert answer.solution is not None
        build = answer.solution.chosen[name].build
        assert build is not None
        assert (build.cuda or "").startswith("11.")


def test_a_cuda_extra_that_cannot_be_installed_is_left_out_and_that_is_said() -> None:
    answer = solved(linux("3.11.7", gpu=(7, 5), driver="470.256.02"), "tensorflow", on_gpu=("tensorflow",))
    assert pins(answer)[0] == "tensorflow==2.14.1"
    assert notes(answer, ["tensorflow"])[-1] == (
        "TensorFlow 2.14.1 does not bring CUDA's libraries: CUDA 11.8 and cuDNN 8.7 have to be installed"
    )
    older = solved(linux("3.10.13", gpu=(7, 5), driver="470.256.02"), "tensorflow", on_gpu=("tensorflow",))
    assert pins(older)[0] == "tensorflow[and-cuda]==2.14.1"


def test_python_3_8() -> None:
    machine = linux("3.8.18")
    answer = solved(machine, "keras", "tensorflow")
    assert {name: chosen(answer)[name] for name in ("tensorflow", "keras", "numpy")} == {
        "tensorflow": "2.13.1",
        "keras": "2.13.1",
        "numpy": "1.24.3",
    }
    assert "TensorFlow 2.14 to 2.20 needs Python 3.9 or newer" in notes(answer, ["tensorflow"])
    assert wrong(machine, answer) == []


def test_python_3_14_has_no_tensorflow_and_an_older_one_has() -> None:
    wish = Wish(("keras", "tensorflow"))
    answer = solve(linux("3.14.0"), (), wish)
    assert answer is not None
    assert answer.solution is None
    assert notes(answer, ["tensorflow"]) == ("TensorFlow 2.21.0 needs Python 3.10 to 3.13",)
    found = elsewhere(linux("3.14.0"), wish)
    assert found is not None
    assert found[0] == "3.13"
    assert pins(found[1]) == ("tensorflow==2.21.0", "keras==3.15.1")


def test_glibc_2_17() -> None:
    machine = linux("3.9.18", libc_version=Version("2.17"))
    answer = solved(machine, *ALL)
    assert wrong(machine, answer) == []
    assert any("glibc 2.28 or newer" in note for note in notes(answer, ["torch"]))


def test_a_processor_without_avx_gets_no_tensorflow_and_no_older_python_for_it() -> None:
    machine = linux(instructions=frozenset({"sse4_1", "sse4_2"}))
    answer = solve(machine, (), Wish(("tensorflow",)))
    assert answer is not None
    assert answer.solution is None
    assert notes(answer, ["tensorflow"]) == ("TensorFlow 2.1 to 2.21 needs a processor with AVX",)
    assert elsewhere(machine, Wish(("tensorflow",))) is None
    assert solved(machine, "torch").solution is not None


@pytest.mark.parametrize("driver", ["550.54.14", "580.95.05"])
def test_three_frameworks_on_one_gpu_share_their_cuda_libraries(driver: str) -> None:
    machine = linux("3.12.7", gpu=(8, 9), driver=driver)
    answer = solved(machine, *ALL, on_gpu=ALL)
    assert wrong(machine, answer, frozenset(ALL)) == []
    names = chosen(answer)
    assert len([name for name in names if name.startswith("nvidia-cudnn-cu")]) == 1
    assert names["torch"].endswith("+cu126")


def test_cuda_13_beside_tensorflow_is_told_of() -> None:
    answer = solved(linux("3.12.7", gpu=(8, 9), driver="580.95.05"), *ALL, on_gpu=ALL)
    assert notes(answer, ["torch"])[0].startswith("PyTorch 2.15.0: is built for CUDA 13, and TensorFlow 2.21.0 is not")


def test_arm_gets_torch_for_the_gpu_and_tensorflow_for_the_processor() -> None:
    machine = linux(gpu=(9, 0), driver="580.95.05", architecture="aarch64")
    answer = solved(machine, "tensorflow", "torch", on_gpu=("torch",))
    assert wrong(machine, answer, frozenset({"torch"})) == []
    alone = solve(machine, (), Wish(("tensorflow",), frozenset({"tensorflow"})))
    assert alone is not None
    assert alone.solution is None
    assert "has no build for NVIDIA GPUs on this system" in notes(alone, ["tensorflow"])[0]


def test_an_intel_mac_gets_the_last_releases_for_it() -> None:
    machine = Machine(python=Version("3.11.7"), system="Darwin", architecture="x86_64", macos=Version("13.5"))
    answer = solved(machine, "tensorflow", "torch")
    assert chosen(answer)["torch"] == "2.2.2"
    assert chosen(answer)["numpy"].startswith("1.")
    assert chosen(answer)["tensorflow"] == "2.16.2"
    assert wrong(machine, answer) == []


def test_windows_gets_the_last_tensorflow_for_gpus_and_torch_from_its_own_index() -> None:
    machine = Machine(
        python=Version("3.10.11"), system="Windows", architecture="x86_64", gpus=((8, 6),), driver=Version("560.94")
    )
    answer = solved(machine, "tensorflow", on_gpu=("tensorflow",))
    assert chosen(answer)["tensorflow"] == "2.10.1"
    assert pins(answer) == ("tensorflow==2.10.1", "numpy==1.26.4")
    torch = solved(machine, "torch", on_gpu=("torch",))
    assert torch.solution is not None
    assert torch.solution.chosen["torch"].index == "https://download.pytorch.org/whl/cu126"


# --- what is installed ----------------------------------------------------------------------------


def installed(name: str, version: str, *requires: str) -> Installed:
    return Installed(name, Version(version), requires)


def test_what_is_installed_stays_where_it_can() -> None:
    there = (installed("numpy", "2.1.3"), installed("keras", "3.10.0", "numpy"), installed("torch", "2.5.1"))
    answer = solved(linux(), "tensorflow", installed=there)
    names = chosen(answer)
    assert (names["keras"], names["torch"]) == ("3.10.0", "2.5.1")
    assert not any(pin.startswith(("keras", "torch", "numpy")) for pin in pins(answer)) or names["numpy"] != "2.1.3"


def test_a_package_outside_the_tables_is_not_broken() -> None:
    there = (installed("numpy", "1.26.4"), installed("oldpandas", "1.5", "numpy<2"))
    answer = solved(linux(), "tensorflow", installed=there)
    assert Version(chosen(answer)["numpy"]) < Version("2")


def test_one_that_cannot_be_kept_whole_is_named() -> None:
    there = (installed("numpy", "1.26.4"), installed("oldpandas", "1.5", "numpy<2"))
    answer = solved(linux(), "numpy>=2", installed=there)
    assert answer.solution is not None
    assert answer.solution.broken == ("oldpandas 1.5",)
    assert notes(answer, ["numpy"])[-1].startswith("oldpandas 1.5 asks for other releases")


def test_a_release_that_is_not_in_the_tables_is_kept() -> None:
    there = (installed("tensorflow", "2.99.0", "numpy>=2"), installed("numpy", "2.3.5"))
    assert chosen(solved(linux(), "keras", installed=there))["tensorflow"] == "2.99.0"


def test_an_old_tensorflow_takes_numpy_and_keras_back_with_it() -> None:
    there = (
        installed("tensorflow", "2.10.1", "numpy>=1.20", "keras<2.11,>=2.10.0", "protobuf<3.20,>=3.9.2"),
        installed("numpy", "2.0.2"),
        installed("keras", "3.6.0"),
        installed("protobuf", "4.25.3"),
    )
    answer = solved(linux("3.10.13"), "tensorflow==2.10.1", installed=there)
    assert set(pins(answer)) == {"keras==2.10.0", "numpy==1.26.4", "protobuf==3.19.6"}


def test_a_plugin_follows_jax() -> None:
    there = (
        installed("jax", "0.6.0", 'jax-cuda12-plugin[with-cuda]<=0.6.0,>=0.6.0; extra == "cuda12"', "jaxlib==0.6.0"),
        installed("jaxlib", "0.6.0"),
        installed("jax-cuda12-plugin", "0.6.0"),
        installed("jax-cuda12-pjrt", "0.6.0"),
    )
    answer = solved(linux("3.12.7"), "jax>=0.10", installed=there)
    names = chosen(answer)
    assert names["jax"] == names["jaxlib"] == names["jax-cuda12-plugin"] == names["jax-cuda12-pjrt"]


def test_nothing_is_said_of_what_has_no_table() -> None:
    assert solve(linux(), (), Wish(("no-such-distribution",))) is None


def test_a_machine_without_gpu_gets_the_build_for_the_processor_and_is_told() -> None:
    answer = solved(linux(without_gpu=True), "torch", "keras")
    torch = chosen(answer)["torch"]
    assert torch.endswith("+cpu")
    assert any(pin == f"torch=={torch}" for pin in pins(answer))
    assert "because no GPU was found here" in notes(answer, ["torch"])[-1]


def test_nothing_known_of_gpus_changes_no_index() -> None:
    assert "+" not in chosen(solved(linux(), "torch"))["torch"]


def test_a_build_for_the_processor_is_followed_by_one_for_the_processor() -> None:
    there = Installed("torch", Version("2.1.0+cpu"), ())
    answer = solved(linux(), "torch>=2.4", installed=(there,))
    assert chosen(answer)["torch"].endswith("+cpu")


def test_a_build_for_gpus_stays_one_where_the_environment_serves_another_machine() -> None:
    there = Installed("torch", Version("2.1.0"), ())
    answer = solved(linux(without_gpu=True), "torch>=2.4", installed=(there,))
    assert "+" not in chosen(answer)["torch"]


def test_what_is_installed_already_for_two_cudas_stays_until_it_has_to_work_together() -> None:
    cudnn = 'nvidia-cudnn-cu12<10.0,>=9.3.0.75; extra == "and-cuda"'
    there = (
        installed("tensorflow", "2.21.0", cudnn),
        installed("torch", "2.14.1", "nvidia-cudnn-cu13==9.19.0.56"),
        installed("nvidia-cudnn-cu12", "9.19.0.56"),
        installed("nvidia-cudnn-cu13", "9.19.0.56"),
    )
    machine = linux("3.12.7", gpu=(8, 9), driver="580.95.05")
    assert pins(solved(machine, "keras", installed=there)) == ("keras==3.15.1",)
    together = solved(machine, "tensorflow", "torch", on_gpu=("tensorflow", "torch"), installed=there)
    assert chosen(together)["torch"].endswith("+cu126")
    assert wrong(machine, together, frozenset({"tensorflow", "torch"})) == []


def test_a_framework_that_comes_later_takes_the_cuda_that_is_there() -> None:
    there = (installed("torch", "2.14.1", "nvidia-cudnn-cu13==9.19.0.56"), installed("nvidia-cudnn-cu13", "9.19.0.56"))
    machine = linux("3.12.7", gpu=(8, 9), driver="580.95.05")
    wish = Wish(("tensorflow",), frozenset({"tensorflow"}), still_on_gpu=frozenset({"torch"}))
    answer = solve(machine, there, wish)
    assert answer is not None
    assert "nvidia-cudnn-cu12" in chosen(answer)
    assert chosen(answer)["torch"].endswith("+cu126")


# --- what is said of releases that are left out ---------------------------------------------------


def said(machine: Machine, *wanted: str, on_gpu: tuple[str, ...] = ()) -> tuple[str, ...]:
    answer = solve(machine, (), Wish(wanted, frozenset(on_gpu)))
    assert answer is not None
    return notes(answer, [text.partition("<")[0].partition("=")[0] for text in wanted])


def test_jax_without_a_plugin_for_the_gpu_says_what_that_takes() -> None:
    kepler = linux("3.11.7", gpu=(3, 7), driver="470.256.02")
    assert said(kepler, "jax", on_gpu=("jax",))[0].endswith("needs a GPU of compute capability 5.0 or higher")
    windows = Machine(python=Version("3.12.1"), system="Windows", architecture="x86_64", gpus=((8, 6),))
    assert said(windows, "jax", on_gpu=("jax",))[0].endswith("has no build for NVIDIA GPUs on this system")


def test_another_python_is_not_named_where_it_would_not_help() -> None:
    machine = linux("3.10.13", gpu=(3, 5), driver="470.256.02")
    assert not any("Python" in line for line in said(machine, "torch", on_gpu=("torch",)))


def test_two_wishes_that_contradict_each_other() -> None:
    machine = linux("3.12.7", gpu=(8, 9), driver="580.95.05")
    assert said(machine, "tensorflow==2.21.0", "torch==2.15.0", on_gpu=("tensorflow", "torch")) == (
        "They do not go together: TensorFlow 2.21.0 is built for CUDA 12, PyTorch 2.15.0 is built for CUDA 13",
    )


def test_a_wish_is_the_reason_and_not_what_followed_from_it() -> None:
    assert said(linux("3.11.7"), "tensorflow", "numpy<1.26")[0] == (
        "TensorFlow 2.18 to 2.21: needs numpy>=1.26.0, and wanted is numpy<1.26"
    )


def test_an_old_macos_is_told_which_one_it_takes() -> None:
    machine = Machine(python=Version("3.12.1"), system="Darwin", architecture="aarch64", macos=Version("11.5"))
    assert said(machine, "tensorflow")[0].endswith("needs macOS 12.0 or newer")


def test_tensorflow_on_apple_s_processors_is_another_package_until_2_15() -> None:
    machine = Machine(python=Version("3.8.18"), system="Darwin", architecture="aarch64", macos=Version("14.5"))
    names = chosen(solved(machine, "tensorflow"))
    assert (names["tensorflow"], names["tensorflow-macos"]) == ("2.13.0", "2.13.0")


def test_a_plugin_that_the_driver_cannot_run_is_not_kept() -> None:
    there = (
        installed("jax", "0.6.0", 'jax-cuda12-plugin[with-cuda]<=0.6.0,>=0.6.0; extra == "cuda12"', "jaxlib==0.6.0"),
        installed("jaxlib", "0.6.0"),
        installed("jax-cuda12-plugin", "0.6.0"),
    )
    wish = Wish(("jax",), frozenset({"jax"}))
    answer = solve(linux(gpu=(8, 0), driver="418.39"), there, wish)
    assert answer is not None
    assert answer.solution is None
