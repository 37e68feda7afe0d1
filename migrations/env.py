"""Runs the migrations on the owner's connection, with a limit on how long they may wait for a lock."""

from __future__ import annotations

from alembic import context
from sqlalchemy.dialects.postgresql.base import ischema_names

from app.db.migrations import TIMEOUTS, owner_engine
from app.db.models import Base
from app.db.models.oversight import TransactionId

ischema_names["xid8"] = TransactionId  # else `alembic check` can't tell whether the type has changed


def run_offline() -> None:
    """Write the SQL instead of running it; for reading and for linting."""
    context.configure(dialect_name="postgresql", target_metadata=Base.metadata, literal_binds=True)
    with context.begin_transaction():
        for statement in TIMEOUTS:
            context.execute(statement)
        context.run_migrations()


def run_online() -> None:
    """Run the migrations, each in a transaction of its own."""
    engine = owner_engine(context.config.attributes.get("url"))
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            transaction_per_migration=True,
            compare_server_default=True,
        )
        with context.begin_transaction():
            for statement in TIMEOUTS:
                context.execute(statement)
            context.run_migrations()
    engine.dispose()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
