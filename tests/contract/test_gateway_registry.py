"""The registry of gateways: what it rejects at start, and that no code outside a gateway's folder names it."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from dispatch.config import MisuseError
from dispatch.gateways import providers
from dispatch.gateways.simulated.client import SimulatedGateway
from dispatch.services.core.errors import NotFoundError
from dispatch.services.messaging.gateway import Provider, Surroundings
from dispatch.services.messaging.gateway_registry import GatewayRegistry, configured

ROOT = Path(__file__).parents[2]
PRODUCT = ("dispatch", "consumers", "producers", "schemas")


def test_each_gateway_is_found_by_its_name_and_by_each_channel_that_it_declares() -> None:
    both = SimulatedGateway("both", channels=("push", "email"))
    phones = SimulatedGateway("phones", channels=("sms",))
    registry = GatewayRegistry([phones, both])
    assert (registry.named("both"), registry.named("phones")) == (both, phones)
    assert registry.by_channel == {"sms": phones, "push": both, "email": both}


def test_a_gateway_that_is_not_configured_is_not_found() -> None:
    with pytest.raises(NotFoundError, match="no gateway named other"):
        GatewayRegistry([SimulatedGateway()]).named("other")


def test_two_gateways_of_one_name_are_refused() -> None:
    with pytest.raises(MisuseError, match="two gateways are named phones"):
        GatewayRegistry([SimulatedGateway("phones"), SimulatedGateway("phones", channels=("push",))])


def test_two_gateways_for_one_channel_are_refused() -> None:
    with pytest.raises(MisuseError, match="one and two both serve sms"):
        GatewayRegistry([SimulatedGateway("one"), SimulatedGateway("two")])


def test_a_gateway_without_a_send_for_each_severity_and_for_recalls_is_refused() -> None:
    narrow = SimulatedGateway("narrow", channels=("sms", "push"))
    narrow.capabilities = replace(narrow.capabilities, at_once=7)
    with pytest.raises(MisuseError, match="narrow accepts 7 sends at once: each channel needs 4"):
        GatewayRegistry([narrow])
    narrow.capabilities = replace(narrow.capabilities, at_once=8)
    GatewayRegistry([narrow])


def test_simulated_phones_stand_in_only_where_no_other_gateway_is_configured() -> None:
    real = SimulatedGateway("real", channels=("push",))
    real.capabilities = replace(real.capabilities, simulated=False)
    stand_in = Provider("simulated", lambda _: SimulatedGateway())
    offered, absent = Provider("real", lambda _: real), Provider("real", lambda _: None)
    surroundings = Surroundings(None, print)
    assert [gateway.name for gateway in configured([stand_in, offered], surroundings)] == ["real"]
    assert [gateway.name for gateway in configured([stand_in, absent], surroundings)] == ["simulated"]


def test_each_folder_of_a_gateway_offers_itself_under_its_own_name() -> None:
    folders = {path.parent.name for path in (ROOT / "dispatch" / "gateways").glob("*/__init__.py")}
    assert {one.name for one in providers()} == folders


def test_no_product_code_names_a_provider_outside_its_folder() -> None:
    for provider in providers():
        if not provider.switch:
            continue
        own = ROOT / "dispatch" / "gateways" / provider.name
        files = (path for folder in PRODUCT for path in (ROOT / folder).rglob("*") if path.is_file())
        named = [
            path.relative_to(ROOT)
            for path in files
            if own not in path.parents and path.suffix != ".pyc"
            and re.search(provider.name, path.read_text("utf-8", errors="replace"), re.IGNORECASE)
        ]  # fmt: skip
        assert named == []
