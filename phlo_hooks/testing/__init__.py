"""Helpers for your own tests: a real HTTP server that misbehaves on request."""

from __future__ import annotations

from phlo_hooks.testing.fault_process import FaultProcess
from phlo_hooks.testing.fault_server import FaultServer
from phlo_hooks.testing.faults import Fault
from phlo_hooks.testing.received import Received

__all__ = ["Fault", "FaultProcess", "FaultServer", "Received"]
