// Package memstore is an [assessplan.Store] in memory: the embedded default, and the adapter to read before writing one.
//
//	store := memstore.New()
//
// It keeps every promise of the port. Transactions are real: an Update that fails, panics or outlives its ctx leaves
// nothing behind, not even a name in a table. One Update runs at a time; any number of Views share the state between two
// Updates; waiting for either honours the ctx. What it returns is copied out, and nothing that it was given can be changed
// through it.
//
// What it does not promise: it serves one process, and a crash loses whatever came after the last [Store.Save]. Save writes
// a snapshot of a moment to a file and [Open] reads it back; there is no log between snapshots. Memory is the limit: a task
// takes about half a kilobyte, an event that is not settled its Data and about a quarter of one. As long as an Update runs,
// with the entry generators that a pass calls in it, everybody else waits.
//
// # How it is built
//
// A record is a row without pointers: times are integers, names and IDs are numbers of an [interner], so that a million
// tasks are a few thousand objects to the garbage collector. Whatever must be found in an order (what is due, what a plan
// or a testee has, which event comes next) stands in an [index], a sorted list in chunks. Which indexes a row stands in
// follows from the row alone, so that changing a row and taking the change back are one and the same function. Each table
// keeps the rows that the running Update changed; that journal is the whole of the undo log.
package memstore
