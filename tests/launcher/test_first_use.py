import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from launcher.home import PROJECT

LAUNCHER = """
import sys
import little
print("launched with", sys.argv[1:], little.WORD)
"""


def a_wheel(folder: Path, version: str) -> str:
    """Build a package of one module; gives its line in a lock."""
    path = folder / f"little-{version}-py3-none-any.whl"
    info = f"little-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("little.py", f'WORD = "{version}"\n')
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: little\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", f"little.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return f"little=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """An empty copy of the project whose lock names one small package of a local folder."""
    root = tmp_path / "a copy with spaces"
    (root / "launcher").mkdir(parents=True)
    (root / "wheels").mkdir()
    shutil.copy(PROJECT / "rapport", root)
    shutil.copy(PROJECT / "launcher" / "bootstrap.py", root / "launcher")
    (root / "launcher" / "__init__.py").touch()
    (root / "launcher" / "__main__.py").write_text(LAUNCHER)
    # No uv in the folder of wheels: the way by pip is what is shown here.
    (root / "launcher" / "installer.lock").write_text("uv==0 --hash=sha256:" + "0" * 64 + "\n")
    (root / "requirements.lock").write_text(a_wheel(root / "wheels", "1.0"))
    return root


def environment(root: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "RAPPORT_"))}
    own = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": (root / "wheels").as_uri(), "PIP_CONFIG_FILE": os.devnull}
    return {**kept, **own, "RAPPORT_PYTHON": sys.executable, **more}


def run(root: Path, *words: str, program: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(program or root / "rapport"), *words],
        cwd="/",
        env=environment(root, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def test_first_use_installs_and_the_next_only_starts(copy, tmp_path):
    first = run(copy, "up", "two words")
    assert first.stdout == "launched with ['up', 'two words'] 1.0\n", first.stderr
    assert first.stderr.startswith("rapport: Setting up")
    (tmp_path / "link").symlink_to(copy / "rapport")
    (tmp_path / "second link").symlink_to("link")
    second = run(copy, "status", program=tmp_path / "second link")
    assert (second.stdout, second.stderr) == ("launched with ['status'] 1.0\n", "")

    (copy / "requirements.lock").write_text(a_wheel(copy / "wheels", "2.0"))
    changed = run(copy, "status")
    assert changed.stdout == "launched with ['status'] 2.0\n", changed.stderr
    assert "Setting up" in changed.stderr


def test_a_half_finished_first_use_is_made_whole(copy):
    (copy / ".venv" / "bin").mkdir(parents=True)
    (copy / ".venv" / "bin" / "python").write_text("broken")
    (copy / ".venv.unfinished").touch()
    assert run(copy, "up").stdout == "launched with ['up'] 1.0\n"
    assert not (copy / ".venv.unfinished").exists()


def test_two_first_uses_at_the_same_time_do_not_collide(copy):
    both = [
        subprocess.Popen(
            [str(copy / "rapport"), "up"],
            env=environment(copy),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    answers = [one.communicate(timeout=100) for one in both]
    assert [out for out, _ in answers] == ["launched with ['up'] 1.0\n"] * 2
    assert sum("Setting up" in error for _, error in answers) == 1


def test_a_file_with_another_hash_is_refused_in_one_line(copy):
    (copy / "requirements.lock").write_text("little==1.0 --hash=sha256:" + "0" * 64 + "\n")
    answer = run(copy, "up")
    assert answer.returncode == 1
    assert "setting up failed" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not (copy / ".venv" / "rapport.lock").exists()


def a_shell_without_python(folder: Path, *programs: str) -> Path:
    """Make a folder of programs for a PATH that has no Python."""
    folder.mkdir()
    for name in ("sh", "readlink", "dirname", "cksum", "cat", *programs):
        (folder / name).symlink_to(shutil.which(name) or "/bin/false")
    return folder


def test_without_python_one_line_says_what_to_do(copy, tmp_path):
    path = a_shell_without_python(tmp_path / "bin")
    answer = run(copy, "up", PATH=str(path), RAPPORT_PYTHON="")
    assert answer.returncode == 1
    assert answer.stderr.startswith("rapport: Python 3.11 or newer is needed")
    assert len(answer.stderr.splitlines()) == 1


def test_an_old_python_is_passed_over(copy, tmp_path):
    path = a_shell_without_python(tmp_path / "bin")
    (path / "python3").write_text("#!/bin/sh\nexit 1\n")
    (path / "python3").chmod(0o755)
    answer = run(copy, "up", PATH=str(path), RAPPORT_PYTHON="")
    assert answer.stderr.startswith("rapport: Python 3.11 or newer is needed")


def test_a_python_without_venv_is_told_apart(copy, tmp_path):
    path = a_shell_without_python(tmp_path / "bin")
    (path / "python3").write_text("#!/bin/sh\ncase $2 in *venv*) exit 1;; esac\nexit 0\n")
    (path / "python3").chmod(0o755)
    answer = run(copy, "up", PATH=str(path), RAPPORT_PYTHON="")
    assert answer.returncode == 1
    assert "python3 has no venv module" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user here")
def test_an_ordinary_user_may_use_what_root_installed(copy, tmp_path):
    assert run(copy, "up").returncode == 0
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(folder.stat().st_mode | 0o011)
    if not Path(sys.base_prefix).stat().st_mode & 0o001 or not reachable(Path(os.path.realpath(sys.executable))):
        pytest.skip("this Python lies where only root may look")
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(copy / "rapport"), "help"]
    answer = subprocess.run(command, env=environment(copy), capture_output=True, text=True, check=False)
    assert answer.stdout == "launched with ['help'] 1.0\n", answer.stderr


def reachable(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in path.parents)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_fresh_copy_installs_all_that_the_lock_names(tmp_path):
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True)
    for name in listed.stdout.split("\0"):
        if name and (PROJECT / name).exists():
            (tmp_path / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, tmp_path / "copy" / name)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
    answer = subprocess.run(
        [str(tmp_path / "copy" / "rapport"), "doctor"], env=kept, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "Nothing stands in the way." in answer.stdout
