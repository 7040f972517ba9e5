"""PostgreSQL: pools, transactions, statements, migrations, row-level security."""

from libs.common.db.database import Database, DurabilityOffError
from libs.common.db.statement import Statement, load_sql, statement
from libs.common.db.transaction import Tx

__all__ = ["Database", "DurabilityOffError", "Statement", "Tx", "load_sql", "statement"]
