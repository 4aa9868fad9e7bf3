"""Where a browser may be sent back to: character for character, loopback ports aside (RFC 8252, 7.3)."""

import re
from urllib.parse import parse_qsl, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from doorward.provider.redirect_uris import form_action_of, host_of, is_registered, with_parameters

HOSTS = st.sampled_from(["example.com", "127.0.0.1", "[::1]", "localhost", "127.0.0.1.example.com", "example.com:8443"])
URIS = st.builds(
    lambda scheme, host, port, path: f"{scheme}://{host}{port}{path}",
    st.sampled_from(["http", "https"]),
    HOSTS,
    st.sampled_from(["", ":1", ":80", ":65535", ":65536", ":0", ":", ":080"]),
    st.sampled_from(["", "/", "/cb", "/cb?a=b", "/cb?a=c", "?a", "/CB", "/cb/"]),
)
LOOPBACK = re.compile(r"^http://(127\.0\.0\.1|\[::1\])(:\d*)?(?=[/?]|$)")


@given(URIS, URIS)
def test_an_address_is_registered_if_it_is_the_same_or_differs_in_a_loopback_port_only(asked: str, known: str) -> None:
    if is_registered(asked, [known]) and asked != known:
        assert LOOPBACK.match(asked)
        assert LOOPBACK.sub(r"http://\1", asked) == LOOPBACK.sub(r"http://\1", known)
        assert 1 <= (urlsplit(asked).port or 80) <= 65535
    assert is_registered(known, [asked, known])
    assert not is_registered(asked, [])


@given(URIS, st.text(), st.text(min_size=1))
def test_parameters_are_added_without_touching_what_is_there(uri: str, name: str, value: str) -> None:
    added = with_parameters(uri, {f"p{name}": value})
    assert added.startswith(uri)
    assert parse_qsl(urlsplit(added).query, keep_blank_values=True)[-1] == (f"p{name}", value)


def test_people_read_the_host_and_the_page_allows_its_origin_only() -> None:
    assert host_of("https://example.com:8443/cb?x=y") == "example.com:8443"
    assert form_action_of("https://example.com:8443/cb?x=y") == ("https://example.com:8443",)
    assert form_action_of("http://[::1]:5/cb") == ("http:",)
    for host in ("a;b", "a,b", "*", "a'b", "a:"):  # registered before such hosts were refused
        assert form_action_of(f"https://{host}/cb") == ("https:",)
