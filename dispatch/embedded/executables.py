"""The programs of the embedded services, and the accounts that they run under."""

import os
import pwd
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

SHARED_COPIES = Path("/var/cache/renfort")
UNPRIVILEGED = ("postgres", "nobody")


class EmbeddedServiceError(RuntimeError):
    """An embedded service cannot run; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class OsAccount:
    """The user and group that a service runs as."""

    uid: int
    gid: int


def account_for(files: Path) -> OsAccount:
    """Return the account of a service: our own or, as root, that of its files' owner or an unprivileged user's."""
    if os.geteuid() != 0:
        return OsAccount(os.geteuid(), os.getegid())
    if files.exists() and files.stat().st_uid != 0:
        return OsAccount(files.stat().st_uid, files.stat().st_gid)
    accounts = {entry.pw_name: OsAccount(entry.pw_uid, entry.pw_gid) for entry in pwd.getpwall()}
    for name in UNPRIVILEGED:
        if name in accounts:
            return accounts[name]
    raise EmbeddedServiceError("PostgreSQL refuses to run as root, and there is no user 'nobody': create one")


def program_for(account: OsAccount, package: str, program: str) -> Path:
    """Return the path of a packaged program; of a copy of the package where the account has no access to it."""
    try:
        found = distribution(package)
    except PackageNotFoundError:
        raise EmbeddedServiceError(f"the package {package} is missing: run pip install {package}") from None
    path = Path(str(found.locate_file(program))).resolve()
    if not path.is_file():
        raise EmbeddedServiceError(f"the package {package} holds no {program}: install it again")
    if account.uid == os.geteuid() or _accessible_to_all(path):
        return path
    return _shared_copy(
        path.parents[len(Path(program).parents) - 1], Path(program), f"{package}-{found.version}"
    )


def _accessible_to_all(path: Path) -> bool:
    return all(step.stat().st_mode & 0o001 for step in (path, *path.parents))


def _shared_copy(site: Path, program: Path, name: str) -> Path:
    copy = SHARED_COPIES / name
    if not copy.exists():
        # Copied beside and renamed when complete: two processes may do this at once, and either may be killed.
        unfinished = SHARED_COPIES / f"{name}.{os.getpid()}"
        for folder in (program.parts[0], f"{program.parts[0]}.libs"):
            if (site / folder).exists():
                shutil.copytree(site / folder, unfinished / folder, dirs_exist_ok=True)
        _grant_read(SHARED_COPIES, unfinished, *unfinished.rglob("*"))
        try:
            unfinished.rename(copy)
        except OSError:
            shutil.rmtree(unfinished)
    return copy / program


def _grant_read(*paths: Path) -> None:
    for path in paths:
        mode = path.stat().st_mode
        path.chmod(mode | (0o555 if mode & 0o100 else 0o444))
