"""Times in a text: how soon somebody arrives, in minutes, and times of the clock, which are not read."""

import re
from itertools import groupby
from typing import NamedTuple

from dispatch.domain.messaging.reading.shorthand import NUMBERS

ETA, CLOCK = "eta:", "clock:"

_MINUTE = r"(?:mn|mns|min|mins|minutes?|')"
_SECOND = r"(?:s|secs?|secondes?|seconds?)"
_HOUR = r"(?:heures?|hours?|hrs?|h)"
_AHEAD = r"(?:dans|in|within|sous|de ici|eta)"
# "D'ici 22h" and "ETA 22h" are times of the clock.
_HOURS_AHEAD = r"(?:dans|in|within|sous|(?:de ici|eta)(?= (?:[0-3] ?h|une? |an? )))"
_SOFT = (
    r"(?:environ|about|around|roughly|moins de|less than|under|a peu pres|encore|il me faut|me faut|"
    r"give me|another|compte|comptez|compter|~)"
)
_BEFORE = rf"(?:(?:{_AHEAD}|{_SOFT}) ){{0,3}}"
_AFTER = r"(?: (?:max|maxi|maximum|environ|away|de route|top|tops|or so|a peu pres)){0,3}"
_RANGE = r"(?:\d{1,3} ?(?:a|ou|to|or|,|/|-) ?)?"
_MORE = rf"(?:(?: et| and)? ?(?P<half>demie|a half|1/2)|(?: et| and)? ?(?P<m>\d{{1,2}})(?: ?{_MINUTE})?)?"


class _Form(NamedTuple):
    """A way to say a duration; `fixed` minutes where the words alone say how many."""

    pattern: re.Pattern[str]
    fixed: int | None

    def mark(self, found: re.Match[str]) -> str:
        """Return the mark that stands for a duration."""
        return f"{ETA}{_minutes(found) if self.fixed is None else self.fixed}"


def _form(words: str, fixed: int | None = None) -> _Form:
    return _Form(re.compile(rf"(?<!\S)(?:{_BEFORE}{words}{_AFTER})(?!\S)"), fixed)


_FORMS = (
    _form(r"(?:(?:un|une|a|1) )?(?:demi heure|half an hour|half hour|1/2 ?h(?:eure)?)", 30),
    _form(r"(?:(?:les )?(?:trois|3) quarts?|3/4) (?:de )?(?:heure|h)", 45),
    _form(r"(?:(?:un|a|1) )?(?:petit )?(?:quart de heure|quarter of an hour)", 15),
    _form(
        rf"{_HOURS_AHEAD} {_BEFORE}(?:(?P<h>\d{{1,2}}(?:[.,]5)?) ?|(?P<one>une|un|an|a|le) )"
        rf"(?:petite |bonne |good )?{_HOUR}{_MORE}"
    ),
    _form(rf"(?:(?P<h>\d{{1,2}}(?:[.,]5)?) |(?P<one>an|one) )(?:hours?|hrs?){_MORE}"),
    _form(rf"{_RANGE}(?P<m>\d{{1,3}}) ?(?:petites |bonnes |good )?{_MINUTE}"),
    _form(rf"(?:(?:une|un|a) (?:petite )?{_MINUTE}|(?:(?:une|a) |\d{{1,2}} ?){_SECOND})", 1),
    _form(rf"{_AHEAD} {_RANGE}(?P<m>\d{{1,3}}){_AFTER}(?=$| [,?\n])"),
)
_SCORES = {"dizaine": 10, "quinzaine": 15, "vingtaine": 20, "trentaine": 30, "quarantaine": 40}
_SCORE = re.compile(rf"(?<!\S)(?:une )?(?:petite |bonne )?({'|'.join(_SCORES)}) de (?={_MINUTE}(?!\S))")
_TIME_OF_DAY = re.compile(
    r"(?<!\S)(?:(?:a|vers|at|pour|by|eta|depuis|des|from|de ici|jusque a|jusque|until|till) ){0,3}"
    r"(?:\d{1,2} ?(?:h|heures?) ?(?:\d{1,2}|et demie|et quart)?|\d{1,2}[:.]\d{2}|\d{1,2} ?(?:am|pm|o clock))(?!\S)"
)


def mark_times(words: str) -> str:
    """Replace each duration by `eta:` with its minutes, and each time of the clock by `clock:`."""
    words = _SCORE.sub(lambda found: f"{_SCORES[found[1]]} ", words)
    for form in _FORMS:
        words = form.pattern.sub(form.mark, words)
    return _TIME_OF_DAY.sub(CLOCK, words)


def digits(words: list[str]) -> list[str]:
    """Write spelled numbers in digits, "quarante cinq" as 45."""
    written: list[str] = []
    for spelled, group in groupby(words, key=NUMBERS.__contains__):
        run = list(group)
        written += [_number(run)] if spelled else run
    return written


def _number(words: list[str]) -> str:
    total = 0
    for word in words:
        value = NUMBERS[word]
        total = total * value if (total, value) == (4, 20) else total + value
    return str(total)


def _minutes(found: re.Match[str]) -> int:
    said = found.groupdict()
    hours = 1.0 if said.get("one") else float((said.get("h") or "0").replace(",", "."))
    return int(hours * 60) + (30 if said.get("half") else int(said["m"] or 0))
