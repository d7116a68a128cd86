"""What `dispatch doctor` says about one thing that it looked at."""

from typing import Literal, NamedTuple

State = Literal["ok", "warn", "fail"]


class Finding(NamedTuple):
    """One thing that was looked at; where it is not well, the detail says what to do."""

    what: str
    state: State
    detail: str
