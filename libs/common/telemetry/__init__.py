"""Logs, metrics and traces."""

from libs.common.telemetry.setup import extract_headers, inject_headers, setup_logging, setup_tracing

__all__ = ["extract_headers", "inject_headers", "setup_logging", "setup_tracing"]
