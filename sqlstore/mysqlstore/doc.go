// Package mysqlstore keeps plans, rounds, tasks and the outbox in a MySQL or MariaDB database: an [assessplan.Store] on
// github.com/go-sql-driver/mysql.
//
//	db, err := sql.Open("mysql", "user:password@tcp(host:3306)/clinic")
//	if err != nil {
//		return err
//	}
//	store, err := mysqlstore.New(ctx, db, &mysqlstore.Config{Migrate: true})
//	if err != nil {
//		return err
//	}
//	service, err := assessplan.New(store, entries, nil)
//
// [Store.WithTx] puts the host's own writes and the library's into one transaction.
//
// It is for MySQL 8.0.16 and MariaDB 10.6, or later: SKIP LOCKED and JSON_TABLE are a little older, but before 8.0.16 MySQL
// reads the CHECK constraints and does not enforce them. It is tested on MariaDB 10.11. Nothing in it is known to be
// MariaDB's alone, but nobody has run its tests on MySQL yet. It wants one server that writes: where several do at once
// (Galera), neither SKIP LOCKED nor the order of the outbox means what it says.
//
// # Many writers
//
// Updates run at READ COMMITTED, any number at once, in any number of processes. A claim locks what it returns and passes
// over what others hold, so that schedulers and relays share the work and never wait for each other. A deadlock is run
// again, at most five times in all; a lock that is not had within innodb_lock_wait_timeout (50 seconds by default) is
// [assessplan.ErrUnavailable]. Views read one consistent state, and neither lock nor wait. A transaction never needs a second
// connection: a pool of one works, as long as no Update is waited for inside a View.
//
// A connection prepares the statements that it uses, some sixty at most, and keeps them: see max_prepared_stmt_count where
// the connections are many.
//
// # Times and texts
//
// Times are DATETIME(6) in UTC. They are written and read in a form of which neither the connection string (parseTime, loc)
// nor the session (time_zone) changes anything: a host may set them as it likes. Texts are VARBINARY, compared byte by byte
// whatever the collation of the server. [New] checks what does change something, such as a sql_mode that is not strict.
//
// # What is durable
//
// When Update returns nil, what it wrote is as durable as innodb_flush_log_at_trx_commit says: with 1, the default, it
// survives a power cut; with 2, the operating system's crash may undo the last second; with 0, the server's too. That is not
// what people who record patients' answers expect: leave it at 1. Where the answer to a COMMIT is lost with the connection,
// Update returns [assessplan.ErrUnavailable], although the work may be stored: look, or run the command again, which then
// finds what it did.
//
// # What is erased
//
// EraseTestee leaves nothing of the old ID in any row, and the server removes it from indexes and undo logs when it purges
// them: within a moment, or when the oldest transaction that can still see it has ended. What is deleted is not overwritten
// with zeros. The redo log, the binary log, replicas and backups are the operator's to expire.
//
// The driver itself writes a line with the addresses of both sides to the standard error for each broken connection; a host
// that does not want them there sets mysql.Config.Logger.
package mysqlstore
