"""config.toml as typed tables. `load` reads and checks it before anything starts; `parse` reads one table."""

from __future__ import annotations

from supervisor.config.audit import Audit as Audit
from supervisor.config.auth import Auth as Auth
from supervisor.config.checks import LOOPBACK as LOOPBACK
from supervisor.config.checks import NAME as NAME
from supervisor.config.checks import check as check
from supervisor.config.cluster import ClusterConfig as ClusterConfig
from supervisor.config.cluster import LinkConfig as LinkConfig
from supervisor.config.cluster import NodeConfig as NodeConfig
from supervisor.config.issuers import IssuerConfig as IssuerConfig
from supervisor.config.loading import as_table as as_table
from supervisor.config.loading import find as find
from supervisor.config.loading import load as load
from supervisor.config.loading import parse as parse
from supervisor.config.mcp import McpConfig as McpConfig
from supervisor.config.oidc import OidcConfig as OidcConfig
from supervisor.config.store import Storage as Storage
from supervisor.config.tables import DEFAULT_KEYWORDS as DEFAULT_KEYWORDS
from supervisor.config.tables import Assistant as Assistant
from supervisor.config.tables import BudgetConfig as BudgetConfig
from supervisor.config.tables import ClaudeCode as ClaudeCode
from supervisor.config.tables import Config as Config
from supervisor.config.tables import Http as Http
from supervisor.config.tables import Limits as Limits
from supervisor.config.tables import Log as Log
from supervisor.config.tables import Progress as Progress
from supervisor.config.tables import ProjectConfig as ProjectConfig
from supervisor.config.tables import Queue as Queue
from supervisor.config.tables import Routing as Routing
from supervisor.config.tables import State as State
from supervisor.config.tables import Supervisor as Supervisor
from supervisor.config.tables import Uploads as Uploads
