// Package pgstore keeps plans, rounds, tasks and the outbox in PostgreSQL 13 or later: an [assessplan.Store] on pgx v5.
//
//	pool, err := pgxpool.New(ctx, "postgres://assessplan@db.example.org/clinic")
//	if err != nil {
//		return err
//	}
//	defer pool.Close()
//	store, err := pgstore.New(ctx, pool, &pgstore.Config{Migrate: true})
//	if err != nil {
//		return err
//	}
//	service, err := assessplan.New(store, entries, nil)
//
// It is tested with PostgreSQL 15.
//
// # Many schedulers
//
// Any number of processes may share the database. A pass claims its pages with FOR NO KEY UPDATE SKIP LOCKED: schedulers that
// run at the same time share the work and never wait for each other, nor for a client that holds some of the tasks. Versions
// are compared on every write besides. A deadlock, a serialization failure and a lost race for a unique key run an Update
// again, at most five times in all.
//
// A pass walks the index of what is due behind a cursor, so that its pages stay as quick as the first one while an old snapshot (a
// dump, a forgotten transaction) keeps PostgreSQL from removing what was due.
//
// # Connections
//
// A transaction has one connection and never asks for a second one: a pool of one works. Statements are prepared by pgx, once
// for each connection. Behind a pooler of transactions (PgBouncer) set default_query_exec_mode=describe_exec, and call
// [Migrate], which locks a session, on a direct connection. The transactions
// of the store fix for themselves (SET LOCAL) what would let the planner leave the indexes that the queries are made for.
//
// # What is durable
//
// When Update returns nil, what it wrote survives a crash of the server, as far as its synchronous_commit says; off is refused
// unless Config.AsyncCommit says otherwise. An error of the connection during COMMIT leaves open whether the transaction was
// stored: it is reported as [assessplan.ErrUnavailable], and whoever runs the command or the pass again meets what was stored.
//
// # What is erased
//
// After EraseTestee no row holds the old ID. PostgreSQL keeps the former versions of rows in its files until VACUUM has
// removed them (autovacuum does, once no snapshot is older), and in its log until that is recycled; backups and archived logs
// are the host's.
package pgstore
