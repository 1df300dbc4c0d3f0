// Package crash proves with processes of their own what nobody can prove inside one: several of them share a database without
// any being told that it was locked, are killed with SIGKILL at random moments, and meet a disk that is full. It has tests
// only.
//
// The test binary starts itself again for each worker. A worker runs passes, commands and a relay at once on one database,
// until its standard input ends, so that no worker outlives its test, or until it is killed. Its relay writes down what it
// delivers in a file, the ledger; the parent steers the clock of all workers through another, so that a lease of minutes
// costs a test no time. In the end the ledger and the database must agree: see books_test.go for what is asked.
//
// A kill waits for a share of the work to be done, and then for some milliseconds, so that the kills meet work on fast and on
// slow machines. Those choices are drawn from a seed, which is printed, and which a flag sets:
//
//	go test ./verify/crash -race -run TestEveryTaskAndEventSurvivesKills -crash.seed=42
//
// The moment at which a signal arrives is the machine's, so that the same seed makes a like run and never the same one.
// CI kills 25 times amid 4,000 tasks; the long form kills 100 times amid 20,000. It takes some two minutes; under the race
// detector, which slows SQLite down most of all, it needs a machine of its own and -timeout 30m:
//
//	go test ./verify/crash -run TestEveryTaskAndEventSurvivesKills -crash.long
//
// A check must be able to fail: the same runs over stores without one of their guards (mutants_test.go) must not balance.
//
// Another database joins with an entry in databases_test.go. Full disks are SQLite's PRAGMA max_page_count (full_test.go): the log
// beside the file is not bounded by it, so that what needs no further page of the file still commits.
package crash
