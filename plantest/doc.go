// Package plantest helps hosts to test what they build on assessplan: fixtures that are valid until a test spoils them, and
// stand-ins for every port that fail on command.
//
//	entries := &plantest.Generator{}                          // makes good entries until it is told otherwise
//	store := plantest.NewFailingStore(memstore.New())         // forwards everything until it is told otherwise
//	now := plantest.NewClock()                                // stands still until it is moved
//	service, err := assessplan.New(store, entries, &assessplan.Config{Clock: now})
//
//	store.Fail(plantest.SaveTasks, 1, assessplan.ErrUnavailable) // the next SaveTasks fails
//	entries.OnCall(3, plantest.Panic("out of memory"))           // so does the third entry
//
// [Generator], [Publisher] and [Recorder] are ready as zero values, [FailingStore] wraps any store. All of them may be used
// by any number of goroutines at once, count what they were asked, and keep tokens and entry URLs out of what they print.
// [GenerateEntry] asks a generator of the host's own for an entry as the service would.
package plantest
