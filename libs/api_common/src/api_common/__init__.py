"""One application factory and everything that an HTTP service of Purser shares."""

from api_common.application import create_app
from api_common.clients import PeerUnavailable, ServiceClient
from api_common.compute import offload
from api_common.context import RequestContext, current_request
from api_common.errors import ConfigurationError, StartupError
from api_common.logging import get_logger
from api_common.problems import Problem
from api_common.service import Check, Runtime, Service, current_runtime, runtime_of

__all__ = [
    "Check",
    "ConfigurationError",
    "PeerUnavailable",
    "Problem",
    "RequestContext",
    "Runtime",
    "Service",
    "ServiceClient",
    "StartupError",
    "create_app",
    "current_request",
    "current_runtime",
    "get_logger",
    "offload",
    "runtime_of",
]
