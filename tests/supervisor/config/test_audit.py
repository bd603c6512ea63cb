"""The table `[audit]`: its file is found from config.toml, and what cannot work is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor import config
from supervisor.protocol.errors import ConfigError


def loaded(folder: Path, text: str) -> config.Config:
    (folder / "config.toml").write_text(text, encoding="utf-8")
    return config.load(folder / "config.toml")


def test_the_file_lies_beside_config_toml_unless_its_path_is_absolute(tmp_path: Path) -> None:
    assert loaded(tmp_path, '[audit]\nanchor_file = "a.txt"').audit.anchor_file == str(tmp_path / "a.txt")
    assert loaded(tmp_path, '[audit]\nanchor_file = "/mnt/a.txt"').audit.anchor_file == "/mnt/a.txt"
    assert loaded(tmp_path, "").audit == config.Audit()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("keep_days = 0", "greater than 0"),
        ('anchor_mail = ["nobody"]', "mail addresses"),
        ('anchor_mail = ["ops@example.org"]', r"needs \[channels.mail\]"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        loaded(tmp_path, f"[audit]\n{text}")
