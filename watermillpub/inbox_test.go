package watermillpub_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/watermillpub"
)

var errHandler = errors.New("the handler failed")

// tally handles and counts.
type tally struct{ handled int }

func (c *tally) handle(context.Context) error { c.handled++; return nil }

func id(n int) assessplan.EventID { return assessplan.EventID{14: byte(n >> 8), 15: byte(n)} }

func TestInboxHandlesEachEventOnce(t *testing.T) {
	inbox, c := watermillpub.NewMemoryInbox(10), tally{}
	for n, want := range []bool{true, false, false} {
		handled, err := inbox.Once(t.Context(), id(1), c.handle)
		require.NoError(t, err)
		require.Equal(t, want, handled, "call %d", n+1)
	}
	require.Equal(t, 1, c.handled)
}

func TestInboxForgetsTheOldest(t *testing.T) {
	inbox, c := watermillpub.NewMemoryInbox(3), tally{}
	once := func(n int) bool {
		handled, err := inbox.Once(t.Context(), id(n), c.handle)
		require.NoError(t, err)
		return handled
	}
	for _, row := range []struct {
		event int
		again bool
	}{{1, true}, {2, true}, {3, true}, {1, false}, {4, true}, {2, false}, {3, false}, {4, false}, {1, true}, {2, true}, {4, false}} {
		require.Equal(t, row.again, once(row.event), "%+v", row)
	}
}

func TestInboxHasADefaultSize(t *testing.T) {
	inbox, c := watermillpub.NewMemoryInbox(0), tally{}
	for range 2 {
		for n := range 1000 {
			_, err := inbox.Once(t.Context(), id(n), c.handle)
			require.NoError(t, err)
		}
	}
	require.Equal(t, 1000, c.handled)
}

func TestInboxDoesNotRememberWhatFailed(t *testing.T) {
	for name, fail := range map[string]func() error{
		"an error":                 func() error { return errHandler },
		"a panic":                  func() error { panic(errHandler) },
		"the end of its goroutine": func() error { runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			inbox, c := watermillpub.NewMemoryInbox(10), tally{}
			var failing sync.WaitGroup
			failing.Go(func() {
				defer func() { _ = recover() }()
				handled, err := inbox.Once(t.Context(), id(1), func(context.Context) error { return fail() })
				require.False(t, handled)
				require.Same(t, errHandler, err)
			})
			failing.Wait()
			handled, err := inbox.Once(t.Context(), id(1), c.handle)
			require.NoError(t, err)
			require.True(t, handled)
		})
	}
}

func TestTwoHandlersOfOneEvent(t *testing.T) {
	for name, row := range map[string]struct {
		first        error
		secondDoesIt bool
	}{"the first does it": {nil, false}, "the first fails": {errHandler, true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inbox, release := watermillpub.NewMemoryInbox(10), make(chan struct{})
				var second atomic.Bool
				go func() {
					_, err := inbox.Once(t.Context(), id(1), func(context.Context) error { <-release; return row.first })
					require.Equal(t, row.first, err)
				}()
				synctest.Wait()
				go func() {
					handled, err := inbox.Once(t.Context(), id(1), func(context.Context) error { return nil })
					require.NoError(t, err)
					second.Store(handled)
				}()
				synctest.Wait()
				c := tally{}
				handled, err := inbox.Once(t.Context(), id(2), c.handle)
				require.NoError(t, err)
				require.True(t, handled, "another event waits for nobody")
				close(release)
				synctest.Wait()
				require.Equal(t, row.secondDoesIt, second.Load())
			})
		})
	}
}

func TestWaitingForAnotherHandlerEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inbox, release := watermillpub.NewMemoryInbox(10), make(chan struct{})
		go func() {
			_, _ = inbox.Once(t.Context(), id(1), func(context.Context) error { <-release; return nil })
		}()
		synctest.Wait()
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errHandler)
		handled, err := inbox.Once(ctx, id(1), func(context.Context) error { return nil })
		require.False(t, handled)
		require.ErrorIs(t, err, errHandler)
		close(release)
	})
}

func TestManyHandlersOfTheSameEvents(t *testing.T) {
	inbox := watermillpub.NewMemoryInbox(64)
	var counts [64]atomic.Int32
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for n := range counts {
				_, err := inbox.Once(t.Context(), id(n), func(context.Context) error {
					if counts[n].Add(1) == 1 && n%3 == 0 {
						return errHandler
					}
					return nil
				})
				if err != nil && !errors.Is(err, errHandler) {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
	for n := range counts {
		want := int32(1)
		if n%3 == 0 {
			want = 2
		}
		require.Equal(t, want, counts[n].Load(), "event %d", n)
	}
}
