"""Where metrics may be served: at loopback, or anywhere in so many words."""

from __future__ import annotations

import pytest

from earwitnessd.settings.addresses import parse_address
from earwitnessd.settings.load import load
from earwitnessd.settings.validate import SettingsError


@pytest.mark.parametrize(
    ("text", "said", "loopback"),
    [
        ("127.0.0.1:9464", "127.0.0.1:9464", True),
        ("localhost:1", "127.0.0.1:1", True),
        ("[::1]:9464", "[::1]:9464", True),
        ("127.8.9.10:80", "127.8.9.10:80", True),
        ("0.0.0.0:9464", "0.0.0.0:9464", False),
        ("[::]:9464", "[::]:9464", False),
        ("192.168.1.5:9464", "192.168.1.5:9464", False),
    ],
)
def test_addresses_and_whether_only_this_machine_reaches_them(text: str, said: str, loopback: bool) -> None:
    address = parse_address(text)
    assert (str(address), address.is_loopback) == (said, loopback)


@pytest.mark.parametrize(
    "text", ["9464", ":9464", "127.0.0.1", "host:1", "127.0.0.1:x", "::1:9464", "1.2.3.4:99999"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"metrics\.listen: .*expected such as 127\.0\.0\.1:9464"):
        load(None, [f"metrics.listen='{text}'"])


def test_metrics_beyond_this_machine_need_so_many_words() -> None:
    with pytest.raises(SettingsError, match="other machines could reach it"):
        load(None, ["metrics.listen=0.0.0.0:9464"])
    assert load(None, ["metrics.listen=0.0.0.0:9464", "metrics.insecure=true"]).metrics.insecure


def test_by_default_nothing_is_served() -> None:
    assert load(None).metrics.listen == ""
