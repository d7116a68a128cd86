"""What `dispatch watch` prints where it draws no screen: lines or documents, one for each change."""

from collections.abc import Iterator
from dataclasses import asdict, replace

from dispatch.cli.output import print_json_line
from dispatch.cli.terminal import harmless
from dispatch.cli.watch.blocks import details, head
from dispatch.cli.watch.screen import SEPARATOR, notices, reader_of
from dispatch.cli.watch.words import say
from dispatch.services.console.overview import Overview, Watched
from schemas.volunteers import Language


class Lines:
    """Prints what has changed, for a pipe, a file or a dumb terminal: one line for each incident and alert."""

    def __init__(self, language: Language) -> None:
        """Start with nothing printed."""
        self._language = language
        self._printed: dict[str, str] = {}
        self._lost = False

    def show(self, seen: Overview, *, lost: bool) -> None:
        """Print the lines that differ from those printed last."""
        if lost != self._lost:
            self._lost = lost
            said = say("lost" if lost else "found", self._language, at=self._time(seen))
            self._print(seen, said)
        if lost:
            return
        now = dict(lines_of(seen, self._language))
        for key, line in now.items():
            if self._printed.get(key) != line:
                self._print(seen, line)
        if _is_whole(seen.actual) and _is_whole(seen.apart):
            for key in self._printed.keys() - now.keys():
                self._print(seen, say("over", self._language, what=key))
        self._printed = now

    def _print(self, seen: Overview, line: str) -> None:
        print(harmless(f"{self._time(seen)} {line}"), flush=True)

    def _time(self, seen: Overview) -> str:
        return reader_of(seen, self._language).time(seen.at)


def _is_whole(watched: Watched) -> bool:
    """Return whether every incident is there: else one that is not may only have become less grave than others."""
    return len(watched.incidents) == watched.total


def lines_of(seen: Overview, language: Language) -> Iterator[tuple[str, str]]:
    """Yield each alert and each incident on one line, with what names it; times are times of day."""
    reader = reader_of(seen, language, still=True)
    for notice in notices(seen, reader):
        yield notice.plain, notice.plain
    for one in (*seen.actual.incidents, *seen.apart.incidents):
        line = SEPARATOR.join([*head(one, reader), *details(one, reader)]).plain
        yield one.code, line.strip()


class Documents:
    """Prints the situation as one line of JSON whenever it has changed."""

    def __init__(self) -> None:
        """Start with nothing printed."""
        self._printed: Overview | None = None
        self._lost = False

    def show(self, seen: Overview, *, lost: bool) -> None:
        """Print the situation unless only time has passed; while there is no connection, say so once."""
        same = self._printed is not None and replace(seen, at=self._printed.at) == self._printed
        if same and lost == self._lost:
            return
        self._printed, self._lost = seen, lost
        print_json_line({"connected": not lost} | asdict(seen))
