"""The gateways of a process, by name and by channel."""

from collections.abc import Iterable, Iterator

from dispatch.config import MisuseError
from dispatch.services.core.errors import NotFoundError
from dispatch.services.messaging.gateway import Gateway, Provider, Surroundings
from dispatch.services.messaging.send_slots import FEWEST_AT_ONCE
from schemas.offers import Channel


class GatewayRegistry:
    """Finds a gateway by its name, and the one gateway that serves a channel."""

    def __init__(self, gateways: Iterable[Gateway]) -> None:
        """Raise MisuseError where two gateways share a name or a channel, or one accepts too few sends at once."""
        self._by_name: dict[str, Gateway] = {}
        self.by_channel: dict[Channel, Gateway] = {}
        for gateway in gateways:
            self._add(gateway)

    def __iter__(self) -> Iterator[Gateway]:
        """Go through the gateways in the order of their registration."""
        return iter(self._by_name.values())

    def named(self, name: str) -> Gateway:
        """Return the gateway of this name; raises NotFoundError."""
        if gateway := self._by_name.get(name):
            return gateway
        raise NotFoundError(f"there is no gateway named {name}: it is not configured here")

    async def close(self) -> None:
        """Close the connections of all gateways."""
        for gateway in self:
            await gateway.close()

    def _add(self, gateway: Gateway) -> None:
        if gateway.name in self._by_name:
            raise MisuseError(
                f"two gateways are named {gateway.name}: webhook calls could not be distinguished"
            )
        self._by_name[gateway.name] = gateway
        can = gateway.capabilities
        if can.at_once < FEWEST_AT_ONCE * len(can.channels):
            raise MisuseError(
                f"the gateway {gateway.name} accepts {can.at_once} sends at once: each channel needs {FEWEST_AT_ONCE}"
            )
        for channel in can.channels:
            if other := self.by_channel.get(channel):
                raise MisuseError(
                    f"the gateways {other.name} and {gateway.name} both serve {channel}: configure one of them"
                )
            self.by_channel[channel] = gateway


def configured(providers: Iterable[Provider], surroundings: Surroundings) -> GatewayRegistry:
    """Build the gateways that the environment configures; the simulated ones where no other is configured.

    Raises MisuseError where a gateway lacks a setting.
    """
    built = [found for one in providers if (found := one.configured(surroundings)) is not None]
    real = [gateway for gateway in built if not gateway.capabilities.simulated]
    return GatewayRegistry(real or built)
