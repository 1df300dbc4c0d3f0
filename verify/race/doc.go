// Package race lets services race each other over one store, and checks what is left.
//
// Each race runs over every store of the list in stores_test.go: memstore; sqlitestore, through several Stores on one file;
// and crowd, a store of this package whose Updates run side by side, as those of a database server do, so that the library's
// locks are tried and not only its versions. Contestants start from a barrier and meet by chance. Besides, hooks force them
// to meet in every order: one as a whole when the other has looked and is about to begin, one in the middle of the other,
// when it is about to look at tasks, and one when the other is about to commit. What was seen is counted, and a race that
// never saw what it is about fails.
//
// After each race the books are checked: everything that the store lists against every event in its outbox, through the
// public API and the ports alone.
//
// Every race is also run over crowds with flaws: claims that do not exclude each other, versions that nobody compares, locks
// that lock nothing. It must notice.
//
// A submission meets the end of its entry by chance 10,000 times: 4,500 times alone over memstore, 5,000 over crowd in
// rounds of 10 tasks at once, 500 over sqlitestore in rounds of 20; and a cancellation as often. With
//
//	go test -race ./verify/race -args -times 20
//
// everything that is left to chance happens 20 times as often; give -timeout too.
package race
