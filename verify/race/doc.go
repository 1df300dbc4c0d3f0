// Package race lets services race each other over one store, and checks what is left.
//
// Each race runs over every store of the list in stores_test.go: memstore; sqlitestore, through several Stores on one file;
// pgstore and mysqlstore, through several pools on one database, as several processes would; and crowd, a store of this
// package whose Updates run side by side, as those of a database server do, which tries the library's locks within
// milliseconds. Contestants start from a barrier and meet by chance. Besides, hooks force them to meet in every order: one
// as a whole when the other has looked and is about to begin, one in the middle of the other, when it is about to look at
// tasks, and one when the other is about to commit. Where Updates run side by side, pairs of them also lock in opposed order,
// so that the store must run one of them again. What was seen is counted, and a race that never saw what it is about fails.
//
// After each race the books are checked: everything that the store lists against every event in its outbox, through the
// public API and the ports alone.
//
// Every race is also run over crowds with flaws: claims that do not exclude each other, versions that nobody compares, locks
// that lock nothing, an Update that never runs again. It must notice; and, but for flaws that no server can be talked into,
// it must notice the same over pgstore and mysqlstore, between which and the library something is then forgotten.
//
// A submission meets the end of its entry by chance 4,500 times alone over memstore, 5,000 times over crowd in rounds of 10
// tasks at once, and 500 times over each of the databases in rounds of 20; and a cancellation as often. Two Updates deadlock
// 100 times over crowd, 50 times over each server. With
//
//	go test -race ./verify/race -timeout 2h -args -times 20
//
// everything that is left to chance happens 20 times as often: 10,000 submissions and 1,000 deadlocks over each server. Add
// -run 'TestRaces/.*/pgstore' for one store.
package race
