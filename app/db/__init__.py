"""The record in PostgreSQL: the only package that imports SQLAlchemy."""
