"""The proof of the sender, and forgeries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mail.headers import Headers
from channels.mail.incoming.sender import SenderNotProven, dmarc_pass, parse_author, proven_sender

TRUSTED = "mx.example.org"


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("admin@example.com", "admin@example.com"),
        ("Admin <Admin@Example.COM>", "admin@example.com"),
        ('"Doe, Jane (x) <eve@example.net>" <admin@example.com>', "admin@example.com"),
        ('"quote \\" and \\\\" <admin@example.com>', "admin@example.com"),
        ("=?utf-8?q?eve=40example=2Enet?= <admin@example.com>", "admin@example.com"),
        ("admin@example.com (Jane (the admin) <eve@example.net>)", "admin@example.com"),
        ("Jörg <admin@example.com>", "admin@example.com"),
        ("admin@BÜCHER.example", "admin@xn--bcher-kva.example"),
        ("admin@ｅｘａｍｐｌｅ.com", "admin@example.com"),
        ("admin@example.com.evil.org", "admin@example.com.evil.org"),
        ("a.b+c@example.com.", "a.b+c@example.com"),
    ],
)
def test_one_address_is_read_and_normalised(value: str, address: str) -> None:
    assert parse_author(value).address == address


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Admin",
        "admin@example.com, eve@example.net",
        "Friends: admin@example.com;",
        "undisclosed-recipients:;",
        "admin@example.com <eve@example.net>",
        "<admin@example.com> <eve@example.net>",
        "<admin@example.com> eve@example.net",
        "<admin@example.com",
        "admin@example.com>",
        '"admin@example.com',
        "Admin (<admin@example.com>",
        "Admin) <admin@example.com>",
        '"admin"@example.com',
        '"x"admin@example.com',
        "x admin@example.com",
        "ad(x)min@example.com",
        "<@example.net:admin@example.com>",
        "admin@[127.0.0.1]",
        "admin@example..com",
        "admin@-example.com",
        "ａｄｍｉｎ@example.com",
        "аdmin@example.com",
        "admin@example.com\u202e",
        "admin@" + "a" * 300 + ".com",
        "admin@example.com\0",
    ],
)
def test_anything_but_one_plain_address_is_refused(value: str) -> None:
    with pytest.raises(SenderNotProven):
        parse_author(value)


@pytest.mark.parametrize(
    "value",
    [
        f"{TRUSTED}; dmarc=pass header.from=example.com",
        f"{TRUSTED} 1; spf=pass smtp.mailfrom=x@example.net; DMARC=Pass (p=none; x) header.from=Example.com",
        f'{TRUSTED}; dkim=pass header.b=ab/c+d= header.i=@example.com;\tdmarc = pass header.from="example.com"',
        f'(a (b) \\) c) {TRUSTED} (x); dmarc/1=pass reason="a; b" header.from=admin@example.com',
        f'"{TRUSTED}"; dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=example.com; compauth=pass reason=100',
    ],
)
def test_pass_of_our_server_names_the_domain(value: str) -> None:
    assert dmarc_pass(value, TRUSTED) == "example.com"


@pytest.mark.parametrize(
    "value",
    [
        "",
        TRUSTED,
        f"{TRUSTED}; none",
        "evil.example.net; dmarc=pass header.from=example.com",
        f"{TRUSTED}.evil.net; dmarc=pass header.from=example.com",
        "MX.example.org; dmarc=pass header.from=example.com",
        f"evil ({TRUSTED}); dmarc=pass header.from=example.com",
        f"evil.net {TRUSTED}; dmarc=pass header.from=example.com",
        f"{TRUSTED}; dmarc=fail header.from=example.com",
        f"{TRUSTED}; dmarc=passed header.from=example.com",
        f"{TRUSTED}; dmarc=none; x-dmarc=pass",
        f"{TRUSTED}; spf=pass dmarc=pass header.from=example.com",
        f'{TRUSTED}; spf=pass reason="; dmarc=pass header.from=example.com"',
        f"{TRUSTED}; spf=pass (; dmarc=pass header.from=example.com)",
        f"{TRUSTED}; spf=pass smtp.mailfrom=x;dmarc=pass; dmarc=fail header.from=example.com",
        f"{TRUSTED}; dmarc=pass header.from=example.com header.from=example.net",
        f"{TRUSTED}; dmarc=pass (unended header.from=example.com",
        f"{TRUSTED}; x) ; dmarc=pass header.from=example.com",
        f'{TRUSTED}; dmarc=pass header.from="example.com',
        f"{TRUSTED}; dmarc=pass header.from=exa$mple.com",
    ],
)
def test_only_one_dmarc_pass_of_our_server_is_a_proof(value: str) -> None:
    with pytest.raises(SenderNotProven):
        dmarc_pass(value, TRUSTED)


def test_property_inside_quotes_does_not_count() -> None:
    assert dmarc_pass(f'{TRUSTED}; dmarc=pass reason="x header.from=example.com"', TRUSTED) is None


PASS = ("authentication-results", f"{TRUSTED}; dmarc=pass header.from=example.com")
FORGED = ("authentication-results", "evil.net; dmarc=pass header.from=example.com")
FAIL = ("authentication-results", f"{TRUSTED}; dmarc=fail header.from=example.com")
FROM = ("from", "admin@example.com")


def test_proven_sender_is_the_address_in_from() -> None:
    assert proven_sender(Headers([PASS, FORGED, FROM]), TRUSTED) == "admin@example.com"


def test_result_without_domain_proves_a_plain_from() -> None:
    bare = ("authentication-results", f"{TRUSTED}; dmarc=pass")
    assert proven_sender(Headers([bare, FROM]), TRUSTED) == "admin@example.com"
    for odd in ("admin@straße.example", "admin@example.com (admin)"):
        with pytest.raises(SenderNotProven):
            proven_sender(Headers([bare, ("from", odd)]), TRUSTED)


@pytest.mark.parametrize(
    "fields",
    [
        [FROM],
        [PASS],
        [FORGED, PASS, FROM],
        [FAIL, PASS, FROM],
        [FORGED, FROM],
        [PASS, FROM, FROM],
        [PASS, FROM, ("from", "eve@example.net")],
        [PASS, ("from", "admin@example.com.evil.org")],
        [PASS, ("from", "admin@sub.example.com")],
        [PASS, ("sender", "admin@example.com"), ("from", "eve@example.net")],
    ],
)
@pytest.mark.requirement(16)
def test_forged_or_ambiguous_mail_has_no_sender(fields: list[tuple[str, str]]) -> None:
    with pytest.raises(SenderNotProven):
        proven_sender(Headers(fields), TRUSTED)


@given(st.text(alphabet='mx.example.org;()"\\ dmarc=pass/1 header.from@\0ü', max_size=120))
def test_any_text_is_read_or_refused(value: str) -> None:
    for read in (parse_author, lambda text: dmarc_pass(text, TRUSTED)):
        try:
            read(value)
        except SenderNotProven:
            continue
