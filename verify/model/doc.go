// Package model checks the library against a model of it. Several actors give random commands, at random times, to services
// over one store: admins of two orgs, testees with their tokens, two schedulers, a writer that is too slow, a relay whose
// broker fails, an entry generator that fails, and a clock that jumps to the edges of windows and now and then back. After
// each command the whole store is compared with a model, which is a few hundred lines and shares no rule with the library.
// At the end of a run, what was published is compared with what was owed.
//
//	go test ./verify/model                                                          a short check, as CI runs it
//	go test ./verify/model -run OnMemstore -timeout 0 -rapid.checks 100000          a long one
//	go test ./verify/model -run OnSQLite -rapid.steps 500                           longer runs, 500 commands on average
//	go test ./verify/model -run OnServers/pgstore -timeout 0 -rapid.checks 1000    the same on PostgreSQL; or mysqlstore
//
// A run is a number of random commands, on average -rapid.steps; a check is -rapid.checks runs, each from another seed.
//
// A failure ends with the shortest list of commands that was found to provoke it, and with the command that repeats it.
// Mutants of the store, of the clock and of what the lifecycle is given show that the check catches what breaks the rules, and
// the coverage test that it reaches every command in every status.
//
// Not looked at here: what happens at once in several goroutines, and commands that are cut off halfway.
package model
