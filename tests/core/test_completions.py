"""Where webhooks may go: the addresses of an administrator, and those of owners of runs."""

import pytest

from jupyter_flows.core.completions import (
    ENDS,
    Addresses,
    Completion,
    EventType,
    completion,
    host_of,
    is_public,
)
from jupyter_flows.core.errors import BadInput

PUBLIC = "https://ci.example.org/done"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://ci.example.org/done?job=7", "ci.example.org"),
        ("http://CI.Example.org.:8080/", "ci.example.org"),
        ("http://[2001:DB8::1]:80/", "2001:db8::1"),
        ("https://203.0.113.9", "203.0.113.9"),
    ],
)
def test_the_host_of_an_address(url, host):
    assert host_of(url) == host


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ci.example.org",
        "ftp://ci.example.org/",
        "file:///etc/passwd",
        "https://",
        "https:///done",
        "https://bob:secret@ci.example.org/",
        "https://ci.example.org/#there",
        "https://ci.example.org:0/",
        "https://ci.example.org:99999/",
        "https://ci.example.org/a b",
        "https://ci.example.org/\r\nX: y",
        "https://ci.example.org/ü",
        "https://[::1/",
        "https://ci.example.org\\@127.0.0.1/",
        "https://ci.example.org/" + "x" * 2000,
    ],
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(BadInput, match="is no address of a webhook"):
        Addresses().check(url)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1",
        "127.8.8.8",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fd00::1]",
        "[ff02::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ],
)
def test_a_private_address_is_refused_unless_it_is_allowed(host):
    url = f"http://{host}/done"
    with pytest.raises(BadInput, match=r"no public address.*FlowsApp\.webhook_hosts"):
        Addresses().check(url)
    Addresses(hosts=(host.strip("[]"),)).check(url)
    Addresses(trusted=frozenset({url})).check(url)
    Addresses(hosts=("*",)).check(url)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_a_public_address_is_public(address):
    assert is_public(address)


def test_only_the_hosts_that_are_allowed():
    addresses = Addresses(hosts=("CI.example.org", "*.intern"))
    for url in (PUBLIC, "http://a.intern/", "http://b.a.intern:8080/"):
        addresses.check(url)
        assert not addresses.must_be_public(url)
    for url in ("https://example.org/", "http://intern/", "http://ci.example.org.evil.net/"):
        with pytest.raises(BadInput, match=r"FlowsApp\.webhook_hosts allows CI\.example\.org"):
            addresses.check(url)


def test_a_name_is_looked_up_when_it_is_sent_to():
    Addresses().check(PUBLIC)
    assert Addresses().must_be_public(PUBLIC)
    assert not Addresses(trusted=frozenset({PUBLIC})).must_be_public(PUBLIC)


def test_what_was_asked_for():
    assert completion(None, None) is None
    assert completion(PUBLIC, []) == Completion(PUBLIC, ENDS)
    opened = EventType.GATE_OPENED
    assert completion(PUBLIC, [opened, opened]) == Completion(PUBLIC, (opened,))
    with pytest.raises(BadInput, match="address"):
        completion(None, [opened])
