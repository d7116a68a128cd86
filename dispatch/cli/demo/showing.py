"""What the demo shows while it runs: the story in sentences, and the counts."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from rich.console import Console
from rich.live import Live
from rich.text import Text

from dispatch.cli.demo import display
from dispatch.cli.demo.installation import DemoInstallation
from dispatch.services.console.history import timeline
from dispatch.services.core.event_loop import seconds
from dispatch.services.operations import demo_figures

POLL_INTERVAL_S = 0.5
STATUS_EVERY = timedelta(minutes=20)
"""How often, by the demo's clock, the counts are printed where there is no terminal."""
RATED_S = 5.0


@dataclass(slots=True)
class Rate:
    """How many times faster than life the clock ran in the last seconds."""

    samples: deque[tuple[float, datetime]] = field(default_factory=deque)

    def at(self, now: datetime) -> float:
        """Return the rate, given the clock's time now."""
        self.samples.append((seconds(), now))
        while len(self.samples) > 2 and self.samples[1][0] < seconds() - RATED_S:  # noqa: PLR2004 - two make a rate
            self.samples.popleft()
        (since, then), (until, latest) = self.samples[0], self.samples[-1]
        return (latest - then).total_seconds() / (until - since) if until > since else 0.0


@dataclass(slots=True)
class Screen:
    """Shows an installation until cancelled."""

    console: Console
    site: DemoInstallation
    calls: int
    zone: tzinfo | None
    rate: Rate = field(default_factory=Rate)

    async def run(self) -> None:
        """Print the story as it happens, with the counts."""
        if self.console.is_terminal:
            with Live(console=self.console, auto_refresh=False, transient=True) as live:
                while True:
                    await self.tell()
                    now, counts, rate = await self._status()
                    live.update(display.live(now, counts, self.calls, rate), refresh=True)
                    await asyncio.sleep(POLL_INTERVAL_S)
        shown = self.site.clock.now()
        while True:
            await self.tell()
            self.rate.at(self.site.clock.now())
            if self.site.clock.now() - shown >= STATUS_EVERY:
                now, counts, rate = await self._status()
                shown = now
                self._print(display.status(now, counts, self.calls, rate))
            await asyncio.sleep(POLL_INTERVAL_S)

    async def tell(self) -> None:
        """Print what is new in the story."""
        story = self.site.owners.story
        if story.incident_id is not None and not story.ended:
            for paragraph in story.tell(
                await timeline(self.site.node.uow, self.site.organisation, story.incident_id)
            ):
                self._print(paragraph)

    async def _status(self) -> tuple[datetime, dict[str, int], float]:
        now = self.site.clock.now()
        return now.astimezone(self.zone), await demo_figures.counts(self.site.node.pool), self.rate.at(now)

    def _print(self, text: str) -> None:
        self.console.print(Text(text), soft_wrap=True)

    def warn(self, text: str) -> None:
        """Print a warning."""
        self.console.print(Text(text, "yellow"), soft_wrap=True)
