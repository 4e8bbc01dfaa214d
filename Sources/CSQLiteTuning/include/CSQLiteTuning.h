#ifndef C_SQLITE_TUNING_H
#define C_SQLITE_TUNING_H

/// Turns off SQLite's count of the memory it uses, which costs a process-wide lock at every allocation and which nobody here reads.
///
/// Must come before anything else that this process asks of SQLite; later it has no effect. Returns SQLite's result code.
/// In C because sqlite3_config takes variable arguments, which Swift cannot call.
int backfill_turn_off_memory_statistics(void);

#endif
