// Package sqlitestore keeps plans, rounds, tasks and the outbox in a SQLite file: an [assessplan.Store] on
// modernc.org/sqlite, without cgo.
//
//	store, err := sqlitestore.Open(ctx, "plans.db", &sqlitestore.Config{Migrate: true})
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//	service, err := assessplan.New(store, entries, nil)
//
// A host that has the database open already uses [DSN], [Migrate] and [New] instead, and [Store.WithTx] to put its own
// writes and the library's into one transaction.
//
// # One writer
//
// SQLite has one writer at a time. Updates of one Store wait for each other in the process, in the order in which they came
// and no longer than their context allows; the file's lock is met only where several processes, or several Stores, share
// the file. Such a lock is waited for up to Config.BusyTimeout, at most five times, before Update returns
// [assessplan.ErrUnavailable]. Views read beside the writer, each of one consistent state, and never wait for it (WAL).
// A transaction never needs a second connection: a pool of one works, as long as no Update is waited for inside a View.
//
// # What is durable
//
// When Update returns nil, what it wrote survives a crash of the process in any setting. With [SyncFull], the default, it
// survives a power cut too: the log is flushed to the disk before Update returns. [SyncNormal] leaves the flushing to the
// next checkpoint: the file stays consistent, but a power cut may undo the last transactions. That is not what people who
// record patients' answers expect: a submission that was confirmed would be gone, and a task whose link was already sent
// would be opened again with another. A pass pays one flush for a page of some hundred tasks, so that the safe setting costs
// little where it counts. Nothing weaker is accepted.
//
// # What is erased
//
// EraseTestee leaves nothing of the old ID in any row or index. The database runs with secure_delete, so that what is
// deleted or replaced, then or by any earlier transaction, is overwritten with zeros; after an Update that erased someone
// the log is emptied as well. That waits up to Config.BusyTimeout for Views that still read it; if they last longer, the next
// erasure or the last Close does it. Backups, the host's own tables, and the log after an erasure in a transaction of the
// host's (WithTx) are the host's: PRAGMA wal_checkpoint(TRUNCATE) empties it.
package sqlitestore
