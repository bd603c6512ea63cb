"""The `[channels.sms]` table."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from channels.sms.config import SmsConfig
from supervisor.protocol.errors import ConfigError
from tests.channels.sms.fixtures import ACCOUNT, OUR_NUMBER, SERVICE


def load(**table: Any) -> SmsConfig:
    """Read a table as the core does."""
    return TypeAdapter(SmsConfig).validate_python({"account_sid": ACCOUNT} | table, extra="forbid")


@pytest.mark.parametrize(
    "table",
    [
        {"from_number": OUR_NUMBER},
        {"from_number": "72345"},
        {"messaging_service_sid": SERVICE},
        {"from_number": OUR_NUMBER, "messaging_service_sid": SERVICE},
        {"from_number": OUR_NUMBER, "max_segments": 1},
        {"from_number": OUR_NUMBER, "max_segments": 10},
        {"from_number": OUR_NUMBER, "api_url": "http://127.0.0.1:8000"},
        {"from_number": OUR_NUMBER, "api_url": "http://localhost:8000/"},
        {"from_number": OUR_NUMBER, "api_url": "http://[::1]:8000"},
        {"from_number": OUR_NUMBER, "api_url": "https://api.dublin.ie1.twilio.com"},
    ],
)
def test_a_usable_table_is_taken(table: dict[str, Any]) -> None:
    assert load(**table).account_sid == ACCOUNT


@pytest.mark.parametrize(
    ("key", "table"),
    [
        ("account_sid", {"account_sid": "", "from_number": OUR_NUMBER}),
        ("account_sid", {"account_sid": "AC12", "from_number": OUR_NUMBER}),
        ("from_number", {}),
        ("from_number", {"from_number": "5551234567890"}),
        ("from_number", {"from_number": "our number"}),
        ("messaging_service_sid", {"messaging_service_sid": "MG1"}),
        ("max_segments", {"from_number": OUR_NUMBER, "max_segments": 0}),
        ("max_segments", {"from_number": OUR_NUMBER, "max_segments": -1}),
        ("max_segments", {"from_number": OUR_NUMBER, "max_segments": 11}),
        ("reconcile_after_seconds", {"from_number": OUR_NUMBER, "reconcile_after_seconds": 0}),
        ("catch_up_seconds", {"from_number": OUR_NUMBER, "catch_up_seconds": -1}),
        ("catch_up_seconds", {"from_number": OUR_NUMBER, "catch_up_seconds": float("nan")}),
        ("api_url", {"from_number": OUR_NUMBER, "api_url": "http://api.example.org"}),
        ("api_url", {"from_number": OUR_NUMBER, "api_url": "http://10.0.0.1"}),
        ("api_url", {"from_number": OUR_NUMBER, "api_url": "https://me:pw@api.example.org"}),
        ("api_url", {"from_number": OUR_NUMBER, "api_url": "https://api.example.org/path"}),
        ("api_url", {"from_number": OUR_NUMBER, "api_url": "127.0.0.1:8000"}),
        ("api_url", {"from_number": OUR_NUMBER, "api_url": "https://["}),
        ("api_url", {"from_number": OUR_NUMBER, "api_url": "https://h:port"}),
    ],
)
def test_an_unusable_value_is_refused_by_its_key(key: str, table: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(**table)
    assert caught.value.key == f"channels.sms.{key}"
