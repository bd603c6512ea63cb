from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from genai_prices import Usage, calc_price

from connectors.assistant.config import AssistantConfig
from connectors.assistant.plugin import PLUGIN
from supervisor.protocol.errors import ConfigError, ConnectionFailed
from tests.connectors.contract import PlainHost, session_spec


def test_the_default_model_has_a_price() -> None:
    price = calc_price(
        Usage(input_tokens=1000, output_tokens=1000), model_ref=AssistantConfig().model, provider_id="anthropic"
    )
    assert price.total_price > 0


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (AssistantConfig(model=" "), "assistant.model: must name a model, e.g. claude-haiku-5-5"),
        (AssistantConfig(max_tokens=0), "assistant.max_tokens: must be at least 1, not 0"),
        (AssistantConfig(history_tokens=-1), "assistant.history_tokens: must be 0 or more, not -1"),
        (AssistantConfig(max_rounds=0), "assistant.max_rounds: must be at least 1, not 0"),
        (AssistantConfig(tool_timeout_seconds=0), "assistant.tool_timeout_seconds: must be above 0, not 0"),
    ],
)
def test_a_value_out_of_range_names_its_key(config: AssistantConfig, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        PLUGIN.build(config, PlainHost(tmp_path))
    assert str(caught.value) == sentence


async def test_without_a_way_to_a_model_it_does_not_open(tmp_path: Path) -> None:
    connector = PLUGIN.build(AssistantConfig(), PlainHost(tmp_path))
    with pytest.raises(ConnectionFailed, match="no endpoint of a model"):
        await connector.open(session_spec(tmp_path), ())


def test_the_system_prompt_says_what_it_cannot_do_and_where_to_turn() -> None:
    prompt = AssistantConfig().system_prompt
    assert "You have no tools" in prompt
    assert '"claude:"' in prompt


def test_the_default_prompt_speaks_of_tools_only_where_there_are_some() -> None:
    config = AssistantConfig()
    assert config.prompt_for(with_tools=False) == config.system_prompt
    with_tools = config.prompt_for(with_tools=True)
    assert "You have no tools" not in with_tools
    assert "You have tools" in with_tools
    assert '"claude:"' in with_tools
    assert AssistantConfig(system_prompt="My own.").prompt_for(with_tools=True) == "My own."


def test_the_daemon_starts_without_the_sdk() -> None:
    """Its import takes longer than everything else at the start; `warm_up` or the first conversation loads it."""
    look = "import sys, supervisor.daemon, connectors.assistant.plugin; sys.exit('anthropic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], check=False).returncode == 0


async def test_it_loads_the_sdk_in_a_thread_before_the_first_conversation(tmp_path: Path) -> None:
    connector = PLUGIN.build(AssistantConfig(), PlainHost(tmp_path))
    await connector.warm_up()
    assert "anthropic" in sys.modules
