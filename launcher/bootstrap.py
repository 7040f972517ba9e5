"""First use: make the environment, install what the lock names, compile, and go on as the launcher.

Runs on the bare Python that was found, so it uses only the standard library and nothing of this project.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

SOURCES = ("libs", "services", "launcher", "demo")
# The settings of pip that uv does not read by itself, and uv's names for them.
PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
}


class Failure(Exception):
    """The environment could not be made; says why in one line."""


def main(arguments: list[str]) -> None:
    """Install if needed, then become the launcher."""
    root, lock, *words = arguments
    venv = Path(os.environ["RAPPORT_VENV"])
    try:
        ensure(Path(root), venv, lock)
    except (Failure, OSError) as failure:
        sys.exit(f"rapport: {failure}")
    python = str(venv / "bin" / "python")
    environment = {**os.environ, "PYTHONPATH": root}
    os.execve(python, [python, "-P", "-m", "launcher", *words], environment)


def ensure(root: Path, venv: Path, lock: str) -> None:
    """Make the environment match the lock; of several first uses at the same time one works and the others wait."""
    venv.parent.mkdir(parents=True, exist_ok=True)
    # The kernel gives the lock back when we die, however we die.
    with venv.with_name(venv.name + ".lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        stamp = venv / "rapport.lock"
        if stamp.exists() and stamp.read_text().strip() == lock:
            return
        say("Setting up: installing what requirements.lock names (first use only, about a minute) ...")
        install(root, venv)
        stamp.write_text(lock + "\n")


def install(root: Path, venv: Path) -> None:
    """Install the locked packages with their hashes into the environment, and compile all sources."""
    unfinished = venv.with_name(venv.name + ".unfinished")
    if unfinished.exists() or not works(venv):
        shutil.rmtree(venv, ignore_errors=True)
    unfinished.touch()
    if not venv.exists():
        run([sys.executable, "-m", "venv", str(venv)], root)
    python = str(venv / "bin" / "python")
    requirements = ["--require-hashes", "-r", str(root / "requirements.lock")]
    if not (get_uv(root, python) and run_uv(root, python, requirements)):
        run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements], root)
    sources = [str(root / name) for name in SOURCES if (root / name).is_dir()]
    # A source folder that may not be written to is no hindrance, only slower.
    subprocess.run([python, "-m", "compileall", "-q", *sources], capture_output=True, check=False)
    unfinished.unlink()


def works(venv: Path) -> bool:
    """Say whether the environment has a Python that runs and has pip."""
    try:
        check = subprocess.run([str(venv / "bin" / "python"), "-c", "import pip"], capture_output=True, check=False)
    except OSError:
        return False
    return check.returncode == 0


def get_uv(root: Path, python: str) -> bool:
    """Install the pinned uv into the environment; say whether that worked."""
    pinned = ["--require-hashes", "-r", str(root / "launcher" / "installer.lock")]
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *pinned]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def run_uv(root: Path, python: str, requirements: list[str]) -> bool:
    """Install with uv, several times faster than pip; say whether that worked."""
    uv = str(Path(python).with_name("uv"))
    command = [uv, "pip", "install", "--quiet", "--python", python, "--compile-bytecode", *requirements]
    if not os.access(Path.home(), os.W_OK):
        command.append("--no-cache")
    # Every hash is in the lock, so it does not matter which index gives a file.
    given = {"UV_PYTHON_DOWNLOADS": "never", "UV_INDEX_STRATEGY": "unsafe-best-match", **pip_settings(python)}
    environment = {**given, **os.environ}
    environment.pop("VIRTUAL_ENV", None)
    done = subprocess.run(
        command, cwd=root, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        say(f"uv could not install ({last_line(done.stderr)}); trying pip, which takes longer ...")
    return done.returncode == 0


def pip_settings(python: str) -> dict[str, str]:
    """Read where pip is told to find packages, in uv's words."""
    command = [python, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found: dict[str, str] = {}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        option = name.rpartition(".")[2]
        if option in PIP_TO_UV:
            words = value.strip("'\"").replace("\\n", " ").split()
            found[PIP_TO_UV[option]] = ("," if option == "find-links" else " ").join(words)
    return found


def run(command: list[str], root: Path) -> None:
    """Run a step that must work; raises Failure with its last words."""
    done = subprocess.run(command, cwd=root, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        step = " ".join(command[1:4])
        raise Failure(f"setting up failed at `{step}`: {last_line(done.stderr or done.stdout)}")


def last_line(text: str) -> str:
    """Give the last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no message")


def say(line: str) -> None:
    """Tell the operator what takes so long."""
    print(f"rapport: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
