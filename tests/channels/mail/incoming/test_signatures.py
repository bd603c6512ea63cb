"""What a proof leaves open: text that no signature covers, old mail, mail to others, mail that was seen before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from channels.mail.headers import split
from channels.mail.incoming.sender import SenderNotProven
from channels.mail.incoming.signatures import Evidence, examine
from tests.channels.hosts import RecordingHost
from tests.channels.mail.fixtures import ADMIN, AUTHSERV, US, config, mail, received

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
DMARC = "dmarc=pass header.from=example.com"
PROVEN = f"{AUTHSERV}; dkim=pass header.d=example.com header.s=one header.b=abcd1234; {DMARC}"
COVERED = "from:to:cc:subject:date"


def date(**ago: float) -> str:
    return format_datetime(NOW - timedelta(**ago))


def signature(b: str = "abcd1234efgh", *, h: str = COVERED, d: str = "example.com", more: str = "") -> tuple[str, str]:
    return "DKIM-Signature", f"v=1; a=rsa-sha256; d={d}; s=one; h={h}; {more}bh=x; b={b}"


def evidence(*headers: tuple[str, str], aliases: tuple[str, ...] = (), **changes: str | None) -> Evidence:
    fields: dict[str, Any] = {"Date": date(), "Authentication_Results": PROVEN, **changes}
    found, _ = split(mail(*headers, **fields))
    return examine(found, ADMIN, config(aliases=aliases), NOW)


@pytest.mark.parametrize(
    "proof",
    [
        PROVEN,
        f"{AUTHSERV}; dkim=pass header.d=example.com header.s=one; {DMARC}",
        f'{AUTHSERV}; dkim=pass (2048-bit key) header.i=@example.com header.b="abcd1234"; {DMARC}',
        f"{AUTHSERV}; dkim=fail header.d=example.com; dkim=pass header.d=example.com header.b=abcd1234; {DMARC}",
        f"{AUTHSERV}; {DMARC}",
    ],
)
def test_new_mail_to_us_under_a_whole_signature_is_beyond_doubt(proof: str) -> None:
    found = evidence(signature(), Authentication_Results=proof)
    assert found.doubt == ""
    assert found.key == evidence(signature(), Authentication_Results=PROVEN).key != ""


@pytest.mark.parametrize("proof", [PROVEN, f"{AUTHSERV}; dkim=pass; {DMARC}", f"{AUTHSERV}; {DMARC}"])
@pytest.mark.parametrize(
    ("header", "changes"),
    [
        (signature(more="l=12; "), {}),
        (signature(more="L = 12; "), {}),
        (signature(h="from:to:subject"), {}),
        (signature(h="from:subject:date"), {}),
        (signature(), {"Date": None}),
        (signature(), {"Date": "yesterday"}),
        (signature(), {"Date": date(hours=49)}),
        (signature(), {"Date": date(hours=-49)}),
        (signature(), {"To": "other@example.org"}),
        (signature(), {"To": None}),
        (signature(), {"To": f'"{US}" <other@example.org>'}),
        (signature(), {"To": f"other@example.org ({US})"}),
        (signature(), {"To": f"{US}.evil.net"}),
    ],
)
@pytest.mark.requirement(16)
def test_what_the_signature_does_not_prove_is_a_doubt(
    header: tuple[str, str], changes: dict[str, Any], proof: str
) -> None:
    assert evidence(header, Authentication_Results=proof, **changes).doubt


@pytest.mark.parametrize(
    "changes",
    [
        {"To": "other@example.org", "Cc": f"A B <b@x.test>, Bot <{US.upper()}>"},
        {"To": "bot+token@example.org"},
        {"To": "helper@example.org"},
        {"Date": date(hours=47)},
        {"Date": date().replace("+0000", "-0000")},
    ],
)
def test_mail_to_any_address_of_ours_within_the_age_limit_is_beyond_doubt(changes: dict[str, Any]) -> None:
    assert evidence(signature(), aliases=("Helper@example.org",), **changes).doubt == ""


@pytest.mark.parametrize(
    "false",
    [signature("abcd1234other", more="l=1; "), signature(h="from")],
)
def test_a_second_signature_that_may_be_meant_adds_a_doubt(false: tuple[str, str]) -> None:
    assert evidence(signature(), false).doubt
    assert evidence(false, signature()).doubt


def test_signature_of_another_domain_and_a_failed_one_do_not_count() -> None:
    others = [signature("zzzz9999", more="l=1; "), signature(d="evil.net", more="l=1; ")]
    assert evidence(signature(), *others) == evidence(signature())


def test_named_signature_that_is_not_there_is_a_doubt() -> None:
    assert evidence().doubt
    assert evidence(signature("other")).doubt


def test_mail_that_spf_alone_proves_has_no_key_and_is_measured_by_what_it_says() -> None:
    spf = f"{AUTHSERV}; spf=pass smtp.mailfrom=example.com; dkim=none; {DMARC}"
    assert evidence(Authentication_Results=spf) == Evidence()
    assert evidence(Authentication_Results=spf, Date=date(hours=49)).doubt
    assert evidence(Authentication_Results=spf, To="other@example.org").doubt


@pytest.mark.parametrize("name", ["From", "To", "Cc", "Date", "Subject", "Content-Type"])
def test_doubled_header_is_not_proven(name: str) -> None:
    with pytest.raises(SenderNotProven):
        evidence(signature(), (name, "x"), (name, "x"))


async def test_one_signature_is_accepted_once_whatever_else_changes() -> None:
    host, now = RecordingHost(), format_datetime(datetime.now(UTC))
    signed: dict[str, Any] = {"Date": now, "Authentication_Results": PROVEN}
    first = mail(signature(), **signed)
    again = mail(("Received", "by mx"), signature(), body="other words", Message_ID="<other@example.com>", **signed)
    new = mail(signature("abcd1234new"), **signed)
    assert len(await received(first, again, new, host=host)) == 2
    ((sender, why),) = host.traces
    assert (sender, "accepted before" in why) == (ADMIN, True)


async def test_doubt_is_handed_to_the_core() -> None:
    (inbound,) = await received(mail(signature(more="l=9; "), Authentication_Results=PROVEN))
    assert inbound.doubt == "its signature does not cover all of its text"
