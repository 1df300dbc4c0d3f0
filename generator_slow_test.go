package assessplan_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// The tests of this file run in a bubble of testing/synctest: time passes only while everybody waits, and a goroutine that
// is left behind fails the test.

// slow answers after a while, whatever becomes of its ctx.
func slow(entries assessplan.EntryGenerator, delay time.Duration) assessplan.EntryGenerator {
	return assessplan.EntryGeneratorFunc(func(ctx context.Context, task *assessplan.AssessmentTask) (string, string, time.Time, error) {
		time.Sleep(delay)
		return entries.GenerateEntry(ctx, task)
	})
}

// hanging hangs until it is released.
func hanging(entries assessplan.EntryGenerator, released <-chan struct{}) assessplan.EntryGeneratorFunc {
	return func(ctx context.Context, task *assessplan.AssessmentTask) (string, string, time.Time, error) {
		<-released
		return entries.GenerateEntry(ctx, task)
	}
}

func listening(ctx context.Context, _ *assessplan.AssessmentTask) (string, string, time.Time, error) {
	<-ctx.Done()
	return "", "", time.Time{}, ctx.Err()
}

func TestCallsOfTheGeneratorAreBounded(t *testing.T) {
	for name, test := range map[string]struct{ allowed, most int }{"default": {0, 4}, "one": {1, 1}, "more than tasks": {256, 20}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				calls, most := 0, 0
				count := func(n int) {
					mu.Lock()
					defer mu.Unlock()
					calls += n
					most = max(most, calls)
				}
				f := newFixture(t, func(s *setup) {
					s.config.GeneratorConcurrency = test.allowed
					slow := slow(s.entries, 10*time.Millisecond)
					s.entries = assessplan.EntryGeneratorFunc(func(ctx context.Context, task *assessplan.AssessmentTask) (string, string, time.Time, error) {
						count(1)
						defer count(-1)
						return slow.GenerateEntry(ctx, task)
					})
				})
				f.rounds(f.plan(daily(1)), 20)
				f.at("2026-03-02 09:00:00")
				require.Equal(t, 20, f.open().Opened)
				require.Equal(t, test.most, most)
			})
		})
	}
}

func TestUnlimitedGeneratorIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, func(s *setup) {
			s.config.GeneratorTimeout, s.config.PageBudget = -1, -1
			s.entries = slow(s.entries, time.Hour)
		})
		f.rounds(f.plan(daily(1)), 6)
		f.at("2026-03-02 09:00:00")
		require.Equal(t, 6, f.open().Opened)
	})
}

func TestGeneratorThatEndsEveryGoroutineOrHangsEveryTime(t *testing.T) {
	for name, entries := range map[string]assessplan.EntryGeneratorFunc{
		"runtime.Goexit": poisons["runtime.Goexit"].entries, "hangs and listens": listening,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, func(s *setup) { s.entries = entries })
				f.rounds(f.plan(daily(1)), 20)
				f.at("2026-03-02 09:00:00")
				report := f.open()
				require.Equal(t, 20, report.Failed)
				require.False(t, report.More)
			})
		})
	}
}

func TestGeneratorThatTakesJustLessThanItsTimeoutIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, func(s *setup) {
			s.config.PageBudget = -1
			s.entries = slow(s.entries, 1990*time.Millisecond)
		})
		f.rounds(f.plan(daily(1)), 10)
		f.at("2026-03-02 09:00:00")
		report := f.open()
		require.Equal(t, 10, report.Opened)
		require.Zero(t, report.Failed)
	})
}

func TestGeneratorThatHangsCostsItsTaskAndItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, func(s *setup) { s.entries = poisoned(s.entries, "b", listening) })
		f.rounds(f.plan(daily(1)), 5)
		f.at("2026-03-02 09:00:00")
		began := time.Now()

		report := f.open()

		require.Equal(t, 4, report.Opened)
		require.Equal(t, 1, report.Failed)
		require.Equal(t, assessplan.FailureTimeout, report.Failures[0].Code)
		require.GreaterOrEqual(t, time.Since(began), 2*time.Second)
		require.LessOrEqual(t, time.Since(began), 2500*time.Millisecond, "a quarter more")
	})
}

func TestGeneratorThatIgnoresItsContextIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		released := make(chan struct{})
		f := newFixture(t, func(s *setup) {
			s.config.GeneratorConcurrency = 1
			s.entries = poisoned(s.entries, "b", hanging(s.entries, released))
		})
		f.rounds(f.plan(daily(1)), 5)
		f.at("2026-03-02 09:00:00")
		began := time.Now()

		report := f.open()

		require.LessOrEqual(t, time.Since(began), 3*time.Second)
		require.Equal(t, 1, report.Failed)
		require.Equal(t, assessplan.FailureTimeout, report.Failures[0].Code)
		require.Equal(t, 4, report.Opened)
		failed := f.task(report.Failures[0].TaskID)
		close(released) // it answers now, with a good entry that nobody waits for
		synctest.Wait()
		require.Equal(t, failed, f.task(failed.ID))
	})
}

func TestGeneratorThatHangsIsLeftBehindWhenThePassIsToStop(t *testing.T) {
	for name, limit := range map[string]time.Duration{"timeout of 2s": 2 * time.Second, "timeout of an hour": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				released := make(chan struct{})
				f := newFixture(t, func(s *setup) {
					s.config.GeneratorTimeout = limit
					s.entries = hanging(s.entries, released)
				})
				f.oneTask()
				ctx, cancel := context.WithTimeout(f.ctx, 100*time.Millisecond)
				defer cancel()
				began := time.Now()
				report, err := f.scheduler.SchedulePendingTasks(ctx, time.Time{})
				require.NoError(t, err)
				require.True(t, report.More)
				require.Zero(t, report.Opened+report.Failed)
				require.LessOrEqual(t, time.Since(began), limit*3/4, "sooner than its timeout")
				close(released)
			})
		})
	}
}

func TestPassGivesUpOnAGeneratorThatIsStuckAndRecoversWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		released := make(chan struct{})
		f := newFixture(t, func(s *setup) {
			s.config.StuckLimit, s.config.PageBudget = 3, -1
			s.entries = hanging(s.entries, released)
		})
		f.rounds(f.plan(daily(1)), 20)
		f.at("2026-03-02 09:00:00")

		report, err := f.scheduler.SchedulePendingTasks(f.ctx, time.Time{})
		require.ErrorIs(t, err, assessplan.ErrGeneratorStuck)
		require.Equal(t, assessplan.KindUnavailable, assessplan.KindOf(err))
		require.True(t, report.More)
		require.Zero(t, report.Opened)
		require.GreaterOrEqual(t, report.Failed, 3, "what hung is put off, so that another run begins with the others")
		require.LessOrEqual(t, report.Failed, 3+4)

		again, err := f.scheduler.SchedulePendingTasks(f.ctx, time.Time{})
		require.ErrorIs(t, err, assessplan.ErrGeneratorStuck)
		require.Zero(t, again.Failed, "it is not asked while it is stuck")
		_, err = f.OpenTask(f.ctx, clinic, f.tasks(assessplan.TaskQuery{Org: clinic})[19].ID)
		require.ErrorIs(t, err, assessplan.ErrGeneratorStuck)

		close(released)
		synctest.Wait()
		f.clock.Add(time.Hour)
		require.Equal(t, 20, f.open().Opened)
	})
}

func TestPagesShrinkToTheBudgetAndEveryTaskIsOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := &counter{}
		f := newFixture(t, func(s *setup) {
			s.config.PageBudget, s.config.GeneratorConcurrency = 2500*time.Millisecond, 1
			s.entries = asked.count(slow(s.entries, time.Second))
		})
		f.rounds(f.plan(daily(1)), 10)
		f.at("2026-03-02 09:00:00")
		var claims, pages []int
		f.store.claiming = func(q assessplan.DueQuery) { claims = append(claims, q.Limit) }
		f.store.saveTasks = func(changes []assessplan.TaskChange, save saving) error {
			pages = append(pages, len(changes))
			return save(changes)
		}

		report := f.open()

		require.Equal(t, 10, report.Opened)
		require.Zero(t, report.Failed)
		require.Equal(t, 10, asked.total())
		require.LessOrEqual(t, slices.Max(pages), 3, "calls that begin in 2.5 s")
		require.LessOrEqual(t, slices.Max(claims[1:]), 6, "what is locked is about what can be done")
	})
}

func TestGeneratorThatIsSlowerThanTheBudgetStillGetsOnByOneTaskAPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, func(s *setup) {
			s.config.PageBudget, s.config.GeneratorConcurrency = time.Millisecond, 1
			s.entries = slow(s.entries, time.Second)
		})
		f.rounds(f.plan(daily(1)), 4)
		f.at("2026-03-02 09:00:00")
		require.Equal(t, 4, f.open().Opened)
	})
}

func TestGeneratorThatUsesTheStoreWithItsContextIsToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f *fixture
		var answers []error
		f = newFixture(t, func(s *setup) {
			s.entries = assessplan.EntryGeneratorFunc(func(ctx context.Context, task *assessplan.AssessmentTask) (string, string, time.Time, error) {
				_, err := f.GetTask(ctx, clinic, task.State().ID)
				_, err2 := f.CancelTask(ctx, clinic, task.State().ID, "")
				answers = append(answers, err, err2)
				return "", "", time.Time{}, errors.Join(err, err2)
			})
		})
		task := f.oneTask()
		require.Equal(t, 1, f.open().Failed)
		_, err := f.OpenTask(f.ctx, clinic, task.ID)
		require.ErrorIs(t, err, assessplan.ErrUnavailable)
		require.Len(t, answers, 4)
		for _, err := range answers {
			require.ErrorIs(t, err, assessplan.ErrNestedTransaction)
		}
	})
}

func TestGeneratorThatUsesTheStoreBesideItsContextBlocksNobodyForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f *fixture
		f = newFixture(t, func(s *setup) {
			good := s.entries
			s.entries = poisoned(good, "b", func(ctx context.Context, task *assessplan.AssessmentTask) (string, string, time.Time, error) {
				if _, err := f.CancelTask(context.Background(), clinic, task.State().ID, "by_generator"); err != nil {
					return "", "", time.Time{}, err
				}
				return good.GenerateEntry(ctx, task)
			})
		})
		f.rounds(f.plan(daily(1)), 3)
		f.at("2026-03-02 09:00:00")
		began := time.Now()

		report := f.open()

		require.Equal(t, 2, report.Opened)
		require.Equal(t, 1, report.Failed)
		require.LessOrEqual(t, time.Since(began), 3*time.Second)
		synctest.Wait()
		require.Equal(t, assessplan.Canceled, f.task(report.Failures[0].TaskID).Status, "what it asked for happens once the page is stored")
	})
}
