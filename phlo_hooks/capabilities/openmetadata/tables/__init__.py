"""Services, databases, schemas and tables."""
