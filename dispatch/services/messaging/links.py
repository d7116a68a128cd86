"""The addresses of volunteers' own pages, to which texts lead."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from dispatch.domain.messaging.send_decision import WITH_LINK, Facts
from dispatch.services.messaging import tokens


@dataclass(frozen=True, slots=True)
class Links:
    """Volunteers' own pages; tokens are derived at sending, and only their hashes are stored."""

    secret: bytes
    public_url: str

    def of(self, message: Facts) -> str:
        """Return the page that a message leads to; an empty text where it leads nowhere."""
        return "".join(f"{self.public_url}/a/{one.token}" for one in self._tokens([message]))

    async def store(self, connection: asyncpg.Connection, messages: Iterable[Facts], now: datetime) -> None:
        """Store the tokens of messages, so that their links open their pages."""
        await tokens.store_all(connection, self._tokens(messages), now)

    def _tokens(self, messages: Iterable[Facts]) -> list[tokens.OfferToken]:
        offers = [(m.offer_id, m.generation) for m in messages if m.offer_id and m.purpose in WITH_LINK]
        return [tokens.OfferToken(tokens.derive(self.secret, *offer), *offer) for offer in offers]
