"""The addresses that texts lead to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from dispatch.domain.messaging.messages import WITH_LINK, Facts
from dispatch.services.messaging import tokens


@dataclass(frozen=True, slots=True)
class Links:
    """Volunteers' own pages; tokens are derived at sending, and kept as hashes only."""

    secret: bytes
    public_url: str

    def of(self, message: Facts) -> str:
        """Give the page that a message leads to; nothing where it leads nowhere."""
        return "".join(f"{self.public_url}/a/{noted.token}" for noted in self._tokens([message]))

    async def keep(self, connection: asyncpg.Connection, messages: Iterable[Facts], now: datetime) -> None:
        """Let the links of messages open their pages."""
        await tokens.note_all(connection, self._tokens(messages), now)

    def _tokens(self, messages: Iterable[Facts]) -> list[tokens.Noted]:
        asked = [(m.offer_id, m.generation) for m in messages if m.offer_id and m.purpose in WITH_LINK]
        return [tokens.Noted(tokens.derive(self.secret, *offer), *offer) for offer in asked]
