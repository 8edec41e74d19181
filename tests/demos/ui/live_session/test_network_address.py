"""The address of the app for other devices."""

import pytest

from demos.ui.live_session.network_address import ReachableAddress, reachable_address


@pytest.mark.parametrize(
    ("page", "base"),
    [
        ("http://192.168.1.5:7860/", "http://192.168.1.5:7860/"),
        ("https://someone-unlabeled.hf.space/", "https://someone-unlabeled.hf.space/"),
        ("https://1234.gradio.live", "https://1234.gradio.live/"),
        ("https://proxy.example/apps/fruit/", "https://proxy.example/apps/fruit/"),
        ("http://127.0.0.1:7860/", "http://10.1.2.3:7860/"),
        ("http://localhost/", "http://10.1.2.3:80/"),
        ("http://[::1]:7860/", "http://10.1.2.3:7860/"),
        ("http://0.0.0.0:7860/", "http://10.1.2.3:7860/"),
    ],
)
def test_phones_are_led_where_the_page_was_opened_or_to_this_machine(page: str, base: str) -> None:
    assert reachable_address(page, lambda: "10.1.2.3", lambda address, port: True) == ReachableAddress(base)


def test_what_keeps_phones_out_is_found() -> None:
    page = "http://127.0.0.1:7860/"
    assert reachable_address(page, lambda: None).missing == "network"
    assert reachable_address(page, lambda: "10.1.2.3", lambda address, port: False).missing == "host"


@pytest.mark.parametrize(
    "page", ["", "ftp://a/", "javascript:alert(1)", "http://a b/", "http://u:p@h/", "http://h/?x=<"]
)
def test_what_is_no_address_of_a_page_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="no address of a page"):
        reachable_address(page)
