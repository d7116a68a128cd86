"""A phone in a story: its messages, and the two ways in which its owner answers."""

import re
from dataclasses import dataclass, field
from html import unescape
from itertools import count
from typing import TYPE_CHECKING
from uuid import UUID

from dispatch.services.messaging.gateway import OutboundText

if TYPE_CHECKING:
    from tests.stories.city import City

LINK = re.compile(r"https?://\S+(/a/[A-Za-z0-9]+)")
CODE = re.compile(r"\b(?:OUI|VU|YES|SEEN) ([2-9][A-Z])\b")
TEXTS = count(1)


@dataclass(eq=False)
class Handset:
    """One person's phone; a message that a story expected counts as read."""

    city: "City"
    number: str
    volunteer_id: UUID | None = None
    _read: set[UUID] = field(default_factory=set)

    def __repr__(self) -> str:
        return f"<phone {self.number}>"

    @property
    def inbox(self) -> list[OutboundText]:
        """Return all messages that arrived."""
        return self.city.gateway.phone(self.number).inbox

    def unread(self, *words: str) -> list[OutboundText]:
        """Return the unread messages with all the words."""
        fresh = [message for message in self.inbox if message.message_id not in self._read]
        return [message for message in fresh if all(word in message.text for word in words)]

    def read(self, *words: str) -> str:
        """Read the first unread message with all the words."""
        message = self.unread(*words)[0]
        self._read.add(message.message_id)
        return message.text

    async def expects(self, *words: str) -> str:
        """Wait for a message with all the words, and return its text."""
        await self.city.expect_sms(*words, among=[self])
        return next(m.text for m in reversed(self.inbox) if all(word in m.text for word in words))

    @property
    def code(self) -> str:
        """Return the code in the newest message that has one."""
        return next(found[1] for m in reversed(self.inbox) if (found := CODE.search(m.text)))

    @property
    def link(self) -> str:
        """Return the path of the owner's page."""
        return next(found[1] for m in reversed(self.inbox) if (found := LINK.search(m.text)))

    async def answers(self, text: str, provider_id: str | None = None) -> None:
        """Answer with a text, which arrives through the gateway's webhook."""
        form = {"id": provider_id or f"T-{next(TEXTS)}", "from": self.number, "text": text}
        await self.city.call("POST", "/v1/gateways/simulated/inbound", "gateway", data=form, expected=202)

    async def presses(self, answer: str, expected: int = 200) -> str:
        """Press a button of the owner's page; return the page that follows."""
        async with self.city.http.post(self.link, data={"answer": answer}) as response:
            page = unescape(await response.text())
            assert response.status == expected, (response.status, page)
            return page

    async def page(self) -> str:
        """Open the owner's page."""
        async with self.city.http.get(self.link) as response:
            return unescape(await response.text())
