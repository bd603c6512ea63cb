"""What every engine behind the `Store` port must do. It names none: a subclass gives the fixture `opener`."""

from __future__ import annotations

from tests.supervisor.store.contract_admission import AdmissionContract
from tests.supervisor.store.contract_calls import CallsContract
from tests.supervisor.store.contract_chats import ChatsContract
from tests.supervisor.store.contract_delivery import DeliveryContract
from tests.supervisor.store.contract_elsewhere import ElsewhereContract
from tests.supervisor.store.contract_keeping import KeepingContract
from tests.supervisor.store.contract_listening import ListeningContract
from tests.supervisor.store.contract_nodes import NodesContract
from tests.supervisor.store.contract_resources import ResourcesContract
from tests.supervisor.store.contract_search import SearchContract
from tests.supervisor.store.contract_turns import TurnsContract


class StoreContract(
    AdmissionContract,
    CallsContract,
    ChatsContract,
    SearchContract,
    TurnsContract,
    DeliveryContract,
    ElsewhereContract,
    ResourcesContract,
    KeepingContract,
    ListeningContract,
    NodesContract,
):
    """The whole contract."""
