"""Child processes that never outlive their owner, and the files that they need."""

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import sys
import threading
from asyncio.subprocess import Process
from dataclasses import dataclass
from pathlib import Path

SHARED_COPIES = Path("/var/cache/renfort")
LAUNCHER = Path(__file__).with_name("launcher.py")
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "RUST_LOG": "warn"}


class EmbeddedServiceError(RuntimeError):
    """An embedded service cannot run; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user that a service runs as."""

    uid: int
    gid: int


def service_account(files: Path) -> Account:
    """Say who runs a service: ourselves, or, as root, the owner of its files or an unprivileged user."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    if files.exists() and files.stat().st_uid != 0:
        return Account(files.stat().st_uid, files.stat().st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedServiceError("as root, embedded PostgreSQL needs a user named postgres or nobody; create one")


def packaged(module: str, program: str, distribution: str) -> Path:
    """Find a program inside an installed package."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise EmbeddedServiceError(f"{program} is missing: install the package {distribution}")
    path = Path(spec.origin).parent / program
    if not path.is_file():
        raise EmbeddedServiceError(f"{distribution} has no {program} for this machine: set the real service's address")
    return path


def executable_by(account: Account, program: Path, tree: Path) -> Path:
    """Return the program, from a copy of its tree where the account cannot reach the original."""
    if account.uid == os.geteuid() or _open_to_all(program):
        return program
    copy = SHARED_COPIES / f"{tree.name}-{int(tree.stat().st_mtime)}"
    if not copy.exists():
        _copy_whole(tree, copy)
    return copy / program.relative_to(tree)


def _open_to_all(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.resolve().parents))


def _copy_whole(tree: Path, copy: Path) -> None:
    SHARED_COPIES.mkdir(mode=0o755, parents=True, exist_ok=True)
    unfinished = copy.with_name(f"{copy.name}.{os.getpid()}")
    shutil.copytree(tree, unfinished)
    unfinished.chmod(0o755)
    try:
        unfinished.rename(copy)
    except OSError:  # another process was first
        shutil.rmtree(unfinished)


async def spawn(
    command: list[str], *, account: Account, folder: Path, log: Path, death_signal: signal.Signals
) -> Process:
    """Start a program in a folder; it gets the signal when this process ends, however it ends."""
    if threading.current_thread() is not threading.main_thread():
        # The kernel sends the signal when the *thread* that forked ends.
        raise EmbeddedServiceError("embedded services are started from the main thread")
    tie = [str(os.getpid()), str(int(death_signal)), str(account.uid), str(account.gid)]
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *[sys.executable, "-I", "-S", str(LAUNCHER), *tie, *command],
            cwd=folder,
            env=ENVIRONMENT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # a Ctrl-C in the terminal is ours to handle, in order
        )


def last_words(log: Path, lines: int = 5) -> str:
    """Quote the end of a log, for an error that it explains."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
