// Package race lets services race each other over one store, and checks what is left.
//
// Each race runs over every store of the list in stores_test.go: memstore; sqlitestore, through several Stores on one file;
// and crowd, a store of this package whose Updates run side by side, as those of a database server do. Contestants start
// from a barrier and meet by chance; besides, hooks force them to meet in every order once: one as a whole when the other
// has looked and is about to begin, and one while the other is about to commit. What was seen is counted, and a race that
// never saw an order that its name promises fails.
//
// After each race the books are checked: everything that the store lists, against every event in its outbox, through the
// public API and the ports alone.
//
// Every race is also run over a crowd with a flaw: claims that do not exclude each other, versions that nobody compares,
// locks that lock nothing. It must notice.
//
// A submission meets the end of its entry 10,000 times: 5,000 times alone over memstore, 4,000 over crowd in rounds of 10
// tasks, 1,000 over sqlitestore in rounds of 25; a cancellation as often. With
//
//	go test -race ./race -args -times 20
//
// everything that is left to chance happens 20 times as often.
package race
