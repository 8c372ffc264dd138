"""Where a tenant's address may lead: every way to spell an inner address is refused, before and at the connection."""

from ipaddress import ip_address

import pytest

from acron_site.lib import config, outbound
from acron_site.lib.errors import InvalidRequestError
from acron_site.lib.outbound import Endpoint, Reach, check_url, is_public, reach_from

PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
INNER = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254",
    "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.0.192", "192.0.2.1",
    "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250",
    "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "64:ff9b:1::808:808", "100::1",
    "2001::1", "2001:0:7f00:1::", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::",
    "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip
ODD = [
    "https://2130706433/v1", "https://0x7f000001/v1", "https://0x7f.0.0.1", "https://0177.0.0.1", "https://017700000001",
    "https://127.1", "https://127.0.1", "https://127.0.0.1.", "https://127.0.0.01", "https://1.2.3.4.5",
    "https://api.example.com.", "https://api..example.com", "https://-api.example.com", "https://0x",
    "https://\uff11\uff12\uff17.0.0.1", "https://\u2460\u2461\u2466.0.0.1", "https://127\u30020\u30020\u30021",
    "https://127\uff0e0\uff0e0\uff0e1", "https://b\u00fccher.example", "https://api.exam\u00adple.com",
    "https://%31%32%37.0.0.1", "https://127.0.0.1%00.example.com", "https://api.example.com%2f@127.0.0.1",
    "https://user@127.0.0.1", "https://api.example.com:443@127.0.0.1", "https://api.example.com@127.0.0.1/",
    "https://api.example.com\\@127.0.0.1", "https:\\\\127.0.0.1", "https://api.example.com\\.127.0.0.1",
    "https://api.example.com#@127.0.0.1", "https://api.example.com/#/v1", "https://api.example.com/?@127.0.0.1",
    "https://api.example.com\x00.127.0.0.1", "https://api.example.com\r\nHost: 127.0.0.1", "https://api.example.com\n",
    "https://api.example.com\t/v1", " https://api.example.com", "https://api.example.com/v1 ", "https://api .example",
    "https://[::1]", "https://[::ffff:127.0.0.1]", "https://[0:0:0:0:0:ffff:7f00:1]", "https://[fe80::1%25eth0]",
    "https://[fe80::1%eth0]", "https://[64:ff9b::7f00:1]", "https://[::1", "https://::1", "https://[127.0.0.1]",
    "https://[::127.0.0.1.]", "https://[]",
    "https://localhost", "https://LOCALHOST/v1", "https://app.localhost", "https://metadata", "https://redis:6379",
    "https://metadata.google.internal", "https://printer.local",
    "https://169.254.169.254/latest/meta-data", "https://10.0.0.1", "https://0.0.0.0", "https://0",
    "http://api.example.com", "HTTP://api.example.com", "ftp://api.example.com", "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_", "//api.example.com", "https:api.example.com", "https:/api.example.com", "https://",
    "api.example.com", "", "javascript:alert(1)", "https:///v1",
    "https://api.example.com:0", "https://api.example.com:65536", "https://api.example.com:99999",
    "https://api.example.com:-1", "https://api.example.com:", "https://api.example.com:80:80",
    "https://api.example.com/../v1", "https://api.example.com/v1/..", "https://api.example.com/%2e%2e/v1",
    "https://api.example.com/" + "a" * 300,
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_public_network_are_public(address):
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", INNER)
def test_no_other_address_is_whatever_it_is_wrapped_in(address):
    assert not is_public(ip_address(address))
    assert not Reach().admits(ip_address(address))


@pytest.mark.parametrize("url", ODD, ids=repr)
def test_an_odd_or_inner_address_is_refused_with_the_field_named(url):
    with pytest.raises(InvalidRequestError) as refused:
        check_url(url, reach=Reach())

    assert refused.value.param == "base_url"
    assert refused.value.message.startswith("base_url: ")


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://api.example.com/v1", "https://api.example.com/v1"),
        ("HTTPS://API.Example.com/V1/", "https://api.example.com/V1"),
        ("https://ada.openai.azure.com/openai/v1/", "https://ada.openai.azure.com/openai/v1"),
        ("https://xn--bcher-kva.example:8443", "https://xn--bcher-kva.example:8443"),
        ("https://8.8.8.8/v1", "https://8.8.8.8/v1"),
        ("https://[2606:4700::1111]:443", "https://[2606:4700::1111]:443"),
        ("https://llm_proxy.example.com", "https://llm_proxy.example.com"),
        ("https://127.0.0.1.nip.io", "https://127.0.0.1.nip.io"),  # where it leads is looked at when it is connected to
    ],
)
def test_a_plain_address_is_kept_in_its_one_spelling(url, kept):
    assert check_url(url, reach=Reach()) == Endpoint(kept, is_listed=False)


@pytest.mark.parametrize(
    "url",
    ["http://llm.corp:8080/v1", "https://LLM.corp/v1", "http://vllm", "http://10.1.2.3", "http://[fd00:1::7]/v1"],
)
def test_what_the_operator_lists_may_be_called_without_tls_too(url):
    reach = reach_from("llm.corp, vllm, 10.1.0.0/16, FD00:1::/64")

    assert check_url(url, reach=reach).is_listed


@pytest.mark.parametrize("url", ["http://other.corp", "http://sub.llm.corp", "https://10.2.0.1", "https://[fd00:2::1]"])
def test_what_lies_beside_it_may_not(url):
    with pytest.raises(InvalidRequestError):
        check_url(url, reach=reach_from("llm.corp, 10.1.0.0/16, fd00:1::/64"))


def test_a_listed_network_admits_its_addresses_however_they_are_wrapped():
    reach = reach_from("10.1.0.0/16")

    assert reach.admits(ip_address("10.1.2.3"))
    assert reach.admits(ip_address("::ffff:10.1.2.3"))
    assert not reach.admits(ip_address("10.2.0.1"))
    assert not reach.admits(ip_address("127.0.0.1"))


def test_the_gateway_is_not_a_provider_of_itself():
    reach = reach_from("", public_url="https://acron.example.com/")

    with pytest.raises(InvalidRequestError, match="this gateway itself"):
        check_url("https://Acron.Example.com/v1", reach=reach)


@pytest.mark.parametrize("listed", ["10.0.0.1/8", "10.0.0", "http://llm.corp", "llm.corp/v1", "*.corp", "2130706433"])
def test_a_list_that_cannot_be_meant_is_refused_at_the_start(tmp_path, listed):
    path = tmp_path / "config.yaml"
    path.write_text("")

    with pytest.raises(config.SettingsError, match=r"providers\.private_hosts"):
        config.load(path, {"ASAHI_PROVIDERS_PRIVATE_HOSTS": listed})


def test_the_longest_address_fits_what_the_audit_log_shows():
    assert check_url("https://a.example/".ljust(outbound.LONGEST_URL, "b"), reach=Reach())
