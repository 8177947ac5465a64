"""OpenLineage: what is sent is held against the spec, by a backend that knows no more than the spec."""
