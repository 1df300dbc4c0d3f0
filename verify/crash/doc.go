// Package crash proves with processes of their own what nobody can prove inside one: several of them share a database without
// any being told that it was locked, are killed with SIGKILL at random moments, and meet a server that is killed, a connection
// that is cut, a client that holds what they want, and a disk that is full. It has tests only.
//
// The test binary starts itself again for each worker. A worker runs passes, commands and a relay at once on one database,
// until its standard input ends, so that no worker outlives its test, or until it is killed. Its relay writes down what it
// delivers in a file, the ledger; the parent steers the clock of all workers through another, so that a lease of minutes
// costs a test no time. In the end the ledger and the database must agree: see books_test.go for what is asked.
//
// A kill waits for a share of the work to be done, and then for some milliseconds, so that the kills meet work on fast and on
// slow machines. Those choices are drawn from a seed, which is printed, and which a flag sets:
//
//	go test ./verify/crash -race -run TestEveryTaskAndEventSurvivesKills/postgres -crash.seed=42
//
// The moment at which a signal arrives is the machine's, so that the same seed makes a like run and never the same one.
//
// # What happens, on which databases
//
//	sqlite, postgres, mariadb   four processes share a database (crash_test.go)
//	sqlite, postgres, mariadb   they are killed 25 times; in the long form 100 times amid 100,000 tasks, 20,000 on SQLite
//	sqlite, postgres, mariadb   a relay dies between publish and delete, 10 times; long 100 times (relaying_test.go)
//	postgres, mariadb           a connection is cut between COMMIT and its answer, 60 times; long 2,000 times (cutting_test.go)
//	postgres, mariadb           the server is killed, 3 times; long 20 times amid 20,000 tasks (restart_test.go)
//	postgres                    four cronworkers share a database, and three of them are killed, one after the other; in the long form
//	                            100 are, amid 20,000 tasks, and others take their places (cron_test.go)
//	postgres, mariadb           an idle client holds 1,000 tasks in a transaction (holding_test.go)
//	sqlite                      the disk is full (full_test.go)
//
// The long form is
//
//	go test ./verify/crash -crash.long -timeout 2h
//
// and with -run=/postgres that of one database. Under the race detector, which slows SQLite down most of all, it needs a
// machine of its own.
//
// A server that is killed is the test's own: PostgreSQL by an immediate stop, MariaDB by SIGKILL. Their programs must be
// installed; package sqltest says where the other tests find a server.
//
// A check must be able to fail: the same runs over stores without one of their guards (mutants_test.go) must not balance.
//
// Another database joins with an entry in databases_test.go. Full disks are SQLite's PRAGMA max_page_count: the log beside the
// file is not bounded by it, so that what needs no further page of the file still commits.
package crash
