"""The result of one check of `dispatch doctor`."""

from typing import Literal, NamedTuple

State = Literal["ok", "warn", "fail"]


class Finding(NamedTuple):
    """The state of one subject; unless it is ok, `detail` says what to do."""

    what: str
    state: State
    detail: str
