"""The engine that keeps semantic layers up to date."""
