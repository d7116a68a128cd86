"""Phones that exist in memory only, where no provider is configured."""

from dispatch.gateways.simulated.client import configured
from dispatch.services.messaging.gateway import Provider

PROVIDER = Provider("simulated", configured)
