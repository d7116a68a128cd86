"""Service areas, and positions that they show to be mistaken: 0,0, exchanged coordinates, another country."""

import re
from dataclasses import dataclass
from typing import Literal

from dispatch.domain.places.coordinates import CoordinatesError, read_coordinate
from schemas.base import Position

Mistake = Literal["zero", "swapped", "outside"]

CORNERS = 4
WIDEST = 180
HIGHEST = 90


def wrapped(lon: float) -> float:
    """Return a longitude, or a difference of two, between 180 degrees west and east."""
    return (lon + WIDEST) % (2 * WIDEST) - WIDEST


@dataclass(frozen=True, slots=True)
class Area:
    """A service area, in degrees; one whose west lies east of its east crosses the 180th meridian."""

    south: float
    west: float
    north: float
    east: float

    def contains(self, position: Position) -> bool:
        """Return whether a position lies in the area."""
        lon = position.lon
        across = self.west <= lon <= self.east if self.west <= self.east else not self.east < lon < self.west
        # 180 degrees east and west are one meridian.
        across = across or (abs(lon) == WIDEST and WIDEST in {abs(self.west), abs(self.east)})
        return self.south <= position.lat <= self.north and across

    @property
    def middle(self) -> Position:
        """Return the position in the middle, also of an area that crosses the 180th meridian."""
        # An area all around the Earth is no area without width.
        width = (self.east - self.west) % (2 * WIDEST) or 2 * WIDEST
        return Position(lat=(self.south + self.north) / 2, lon=wrapped(self.west + width / 2))

    @property
    def is_possible(self) -> bool:
        """Return whether the corners lie on the Earth, south below north."""
        high = -HIGHEST <= self.south < self.north <= HIGHEST
        return high and -WIDEST <= self.west != self.east <= WIDEST and abs(self.east) <= WIDEST


def implausible(position: Position, area: Area | None) -> Mistake | None:
    """Return the mistake that a position shows, if any; without an area (None: everywhere), only 0,0 shows one."""
    if area is not None and area.contains(position):
        return None
    if position.lat == position.lon == 0:
        return "zero"
    if area is None:
        return None
    other = exchanged(position.lat, position.lon)
    return "swapped" if other is not None and area.contains(other) else "outside"


def exchanged(lat: float, lon: float) -> Position | None:
    """Return the position whose coordinates were exchanged, None where that names no place either."""
    return Position(lat=lon, lon=lat) if abs(lon) <= HIGHEST and abs(lat) <= WIDEST else None


def read_area(text: str) -> Area:
    """Return the area that a text names as south, west, north, east; raises CoordinatesError."""
    parts = _corners(text.strip())
    if len(parts) != CORNERS:
        raise CoordinatesError("write four numbers: south, west, north, east, separated by semicolons")
    south, west, north, east = parts
    return Area(
        read_coordinate(south, "lat"), read_coordinate(west, "lon"), read_coordinate(north, "lat"),
        read_coordinate(east, "lon"),
    )  # fmt: skip


def _corners(text: str) -> list[str]:
    """Divide at semicolons, else at commas among points or before spaces, else at spaces or each second comma."""
    for separator in (r"\s*;\s*", r"\s*,\s*" if "." in text else r",\s+", r"\s+"):
        if len(parts := re.split(separator, text)) == CORNERS:
            return parts
    parts = text.split(",")
    if len(parts) == 2 * CORNERS:
        return [",".join(parts[at : at + 2]) for at in range(0, 2 * CORNERS, 2)]
    return parts
