/// The ledger in a SQLite database: for each run, table and bucket the next ordinal that the table has not durably taken.
package enum SQLiteLedger {
    package static let table = "_backfill_ledger"

    static let creation = """
        CREATE TABLE IF NOT EXISTS \(table) (
            run TEXT, table_name TEXT, bucket TEXT, next_ordinal INTEGER NOT NULL, PRIMARY KEY (run, table_name, bucket)) WITHOUT ROWID
        """
}
