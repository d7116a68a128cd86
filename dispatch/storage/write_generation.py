"""The generation that this process writes: lower than its own while a process of an older release reads.

It is one for the whole process, since every event of every transaction is for the same readers. It begins at the
oldest and is raised when the table of processes shows that every live one reads more.
"""

from schemas.generations import GENERATION, OLDEST

current: int = GENERATION


def limit(generation: int) -> None:
    """Write at most this generation from now on."""
    global current  # noqa: PLW0603 - the process's one readers' generation, see above
    current = max(OLDEST, min(generation, GENERATION))
