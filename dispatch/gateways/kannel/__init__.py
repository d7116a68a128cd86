"""Kannel, the open-source SMS gateway."""

from dispatch.gateways.kannel.client import configured
from dispatch.gateways.kannel.settings import KannelSettings
from dispatch.services.messaging.gateway import Provider

PROVIDER = Provider("kannel", configured, KannelSettings, "DISPATCH_KANNEL_URL")
