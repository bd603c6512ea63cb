"""Webhook signatures, compared with Twilio's own validator."""

from __future__ import annotations

import dataclasses
import hashlib
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from channels.sms.twilio.signature import MAX_FIELDS, Signatures
from supervisor.protocol.ports.web import WebRequest
from tests.channels.sms.fixtures import PUBLIC_URL, TOKEN, signed, text_form

SIGNATURES = Signatures([TOKEN], PUBLIC_URL)


def oracle(request: WebRequest) -> bool:
    """Return the verdict of twilio's validator, fed as its documentation says."""
    fields = MultiDict(parse_qsl(request.body.decode(), keep_blank_values=True))
    verdict: bool = RequestValidator(TOKEN).validate(request.url, fields, request.headers["x-twilio-signature"])
    return verdict


def with_header(request: WebRequest, name: str, value: str | None) -> WebRequest:
    """Return the request with a header changed, or without it."""
    headers = {key: old for key, old in request.headers.items() if key != name}
    return dataclasses.replace(request, headers=headers if value is None else headers | {name: value})


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=30), max_size=8), st.text(alphabet="ab=&%+", max_size=8))
def test_every_signed_form_is_genuine_and_read_as_it_was_written(form: dict[str, str], query: str) -> None:
    request = signed(form, query=query)
    assert oracle(request)
    assert SIGNATURES.genuine_form(request) == form


@given(
    st.lists(st.tuples(st.sampled_from(["Body", "From", "A"]), st.text(alphabet="ab ", max_size=3)), max_size=5),
    st.lists(st.tuples(st.sampled_from(["Body", "From", "A"]), st.text(alphabet="ab ", max_size=3)), max_size=5),
)
def test_the_result_is_that_of_twilios_validator(sent: list[tuple[str, str]], received: list[tuple[str, str]]) -> None:
    url = PUBLIC_URL + "/webhooks/twilio/sms"
    request = dataclasses.replace(
        with_header(signed({}), "x-twilio-signature", RequestValidator(TOKEN).compute_signature(url, MultiDict(sent))),
        body=urlencode(received).encode(),
    )
    assert (SIGNATURES.genuine_form(request) is not None) == oracle(request)


@pytest.mark.parametrize(
    ("configured", "signed_as"),
    [
        ("https://h.example", "https://h.example"),
        ("https://h.example", "https://h.example:443"),
        ("https://h.example:443", "https://h.example"),
        ("https://h.example:8443", "https://h.example:8443"),
        ("https://h.example:8443", "https://h.example"),
        ("http://h.example", "http://h.example:80"),
        ("https://h.example/behind/a/path", "https://h.example/behind/a/path"),
    ],
)
def test_the_port_may_be_signed_or_not_as_twilios_validator_allows(configured: str, signed_as: str) -> None:
    request = signed(text_form(), public_url=configured, signed_url=signed_as + "/webhooks/twilio/sms")
    assert oracle(request)
    assert Signatures([TOKEN], configured).genuine_form(request)


@pytest.mark.parametrize(
    ("configured", "signed_as"),
    [
        ("https://me:pw@h.example:8443", "https://me:pw@h.example:8443"),
        ("https://me:pw@h.example:8443", "https://me:pw@h.example"),
        ("https://me:pw@h.example", "https://me:pw@h.example:443"),
        ("https://[::1]:8443", "https://[::1]"),
    ],
)
def test_urls_that_twilios_validator_breaks_are_verified(configured: str, signed_as: str) -> None:
    request = signed(text_form(), public_url=configured, signed_url=signed_as + "/webhooks/twilio/sms")
    assert Signatures([TOKEN], configured).genuine_form(request)


@pytest.mark.parametrize(
    "signed_as",
    [
        "http://xswarm.example.org",
        "https://xswarm.example.org:8443",
        "https://other.example",
        "https://a:b@xswarm.example.org",
    ],
)
def test_another_url_than_ours_is_refused(signed_as: str) -> None:
    request = signed(text_form(), signed_url=signed_as + "/webhooks/twilio/sms")
    assert SIGNATURES.genuine_form(request) is None


@pytest.mark.parametrize(
    "given_url", ["", "https://xswarm.example.com/webhooks/twilio/sms", "\ud800", "https://[", "//"]
)
def test_a_request_that_does_not_bear_our_url_is_refused(given_url: str) -> None:
    assert SIGNATURES.genuine_form(dataclasses.replace(signed(text_form()), url=given_url)) is None


def test_both_tokens_are_valid_during_a_change() -> None:
    both = Signatures(["new", "old"], PUBLIC_URL)
    assert both.genuine_form(signed(text_form(), token="new"))
    assert both.genuine_form(signed(text_form(), token="old"))
    assert both.genuine_form(signed(text_form(), token="older")) is None


@pytest.mark.parametrize("signature", [None, "", "AAAA", "é", "\ud800", "x" * 100_000, "None", " "])
def test_a_missing_or_wrong_signature_is_refused(signature: str | None) -> None:
    assert SIGNATURES.genuine_form(with_header(signed(text_form()), "x-twilio-signature", signature)) is None


def test_a_blank_field_counts() -> None:
    request = signed(text_form(Body=""))
    form = SIGNATURES.genuine_form(request)
    assert form is not None
    assert form["Body"] == ""
    without = urlencode({name: value for name, value in text_form(Body="").items() if value}).encode()
    assert SIGNATURES.genuine_form(dataclasses.replace(request, body=without)) is None


@pytest.mark.parametrize("changed", [b"&Extra=1", b"&Body=other", b"&Body", b"x", b"%00"])
def test_a_body_with_something_added_is_refused(changed: bytes) -> None:
    request = signed(text_form())
    assert SIGNATURES.genuine_form(dataclasses.replace(request, body=request.body + changed)) is None


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded2",
    ],
)
def test_another_content_type_is_refused_even_with_a_right_signature(content_type: str | None) -> None:
    assert SIGNATURES.genuine_form(with_header(signed(text_form()), "content-type", content_type)) is None


@pytest.mark.parametrize("with_hash", [True, False])
def test_json_is_refused_with_and_without_the_hash_of_its_body(with_hash: bool) -> None:
    body = b'{"Body": "text"}'
    query = f"bodySHA256={hashlib.sha256(body).hexdigest()}" if with_hash else ""
    request = with_header(signed({}, query=query), "content-type", "application/json")
    assert SIGNATURES.genuine_form(dataclasses.replace(request, body=body)) is None


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"Body=%ff%fe", b"Body=%ed%a0%80", "Body=é".encode(), b"&".join([b"a=1"] * (MAX_FIELDS + 1))]
)
def test_an_unreadable_body_is_refused(body: bytes) -> None:
    assert SIGNATURES.genuine_form(dataclasses.replace(signed({}), body=body)) is None


@given(st.binary(max_size=200), st.text(max_size=50), st.text(max_size=50), st.text(max_size=50))
def test_nothing_raises(body: bytes, signature: str, content_type: str, query: str) -> None:
    request = WebRequest(
        method="POST",
        path="/",
        query=query,
        url=PUBLIC_URL + "/?" + query,
        headers={"x-twilio-signature": signature, "content-type": content_type or "application/x-www-form-urlencoded"},
        body=body,
    )
    assert SIGNATURES.genuine_form(request) is None


@pytest.mark.parametrize(
    "url", ["", "h.example", "ftp://h.example", "https://", "https://h.example:port", "https://h/?a"]
)
def test_an_invalid_public_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        Signatures([TOKEN], url)
