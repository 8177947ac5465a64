"""Alerts: what people are told when data goes wrong, and when it is right again."""
