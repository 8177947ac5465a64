"""OpenLineage: every run, asset and check as OpenLineage events, through any of the client's transports."""
