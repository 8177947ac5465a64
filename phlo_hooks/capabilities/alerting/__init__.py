"""Alerting: rules that turn events into messages to people."""
