package fault_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
)

// The mutants break a promise on which the library builds. The audit must see each of them: a check that cannot fail
// proves nothing.

// tellAndAudit tells the story and returns what the audit sees.
func tellAndAudit(t *testing.T, s setup, allowed allowance, prepare func(h *host)) (problems []string) {
	synctest.Test(t, func(t *testing.T) {
		s.store = memstore.New()
		h := newHost(t, s)
		if prepare != nil {
			prepare(h)
		}
		h.tell(nil)
		problems = h.audit(allowed)
	})
	return problems
}

// halfStore commits a part of one SaveTasks although it says that it failed.
type halfStore struct {
	assessplan.Store
	nth  int                                                           // counts down to the call
	part func(changes []assessplan.TaskChange) []assessplan.TaskChange // what is stored of it
}

func (s *halfStore) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	var failed error
	err := s.Store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		half := &halfRepositories{Repositories: r, store: s}
		err := fn(ctx, half)
		if failed = half.failed; failed != nil {
			return nil // so that it commits
		}
		return err
	})
	return errors.Join(err, failed)
}

type halfRepositories struct {
	assessplan.Repositories
	store  *halfStore
	failed error
}

func (r *halfRepositories) SaveTasks(ctx context.Context, changes []assessplan.TaskChange) error {
	if r.store.nth--; r.store.nth != 0 {
		return r.Repositories.SaveTasks(ctx, changes)
	}
	r.failed = errors.Join(errDisk, r.Repositories.SaveTasks(ctx, r.store.part(slices.Clone(changes))))
	return r.failed
}

func firstHalf(changes []assessplan.TaskChange) []assessplan.TaskChange {
	return changes[:len(changes)/2]
}

func withoutEvents(changes []assessplan.TaskChange) []assessplan.TaskChange {
	for i := range changes {
		changes[i].Events = nil
	}
	return changes
}

func TestAuditSeesStoreThatCommitsHalf(t *testing.T) {
	for _, at := range sites(t) {
		if at.call != plantest.SaveTasks {
			continue
		}
		if strings.Contains(at.way, "ReissueEntry") {
			continue // its event may be deleted by the erasure that follows
		}
		enrolling := strings.Contains(at.way, "Enroll.")
		for name, part := range map[string]func([]assessplan.TaskChange) []assessplan.TaskChange{"half of the tasks": firstHalf, "no events": withoutEvents} {
			// Pending tasks come without events, and each opened task stands for itself.
			if enrolling != (name == "half of the tasks") {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d", name, at.n), func(t *testing.T) {
				t.Parallel()
				problems := tellAndAudit(t, setup{between: func(store assessplan.Store) assessplan.Store {
					return &halfStore{Store: store, nth: at.n, part: part}
				}}, oneFault, nil)
				require.NotEmpty(t, problems, "on the way %s", at.way)
			})
		}
	}
}

// repeatingStore applies a transaction again whose answer was lost, as a store would that compares no versions and gives
// events IDs of its own.
type repeatingStore struct {
	assessplan.Store
	nth   int
	found bool // there were tasks with events to repeat
}

func (s *repeatingStore) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	var saved []assessplan.TaskChange
	err := s.Store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		return fn(ctx, &savedRepositories{Repositories: r, saved: &saved})
	})
	if s.nth--; s.nth != 0 || err != nil {
		return err
	}
	return s.Store.Update(ctx, func(ctx context.Context, r assessplan.Repositories) error {
		for i := range saved {
			saved[i].Was++
			saved[i].Events = slices.Clone(saved[i].Events)
			for n, event := range saved[i].Events {
				s.found = s.found || event.Type != assessplan.TypeTaskEntryReissued // which an erasure may delete
				saved[i].Events[n] = renamed(event)
			}
		}
		return r.SaveTasks(ctx, saved)
	})
}

// renamed is the same event of the next version.
func renamed(e assessplan.Event) assessplan.Event {
	id := assessplan.EventID(uuid.New())
	e.Data = bytes.ReplaceAll(e.Data, []byte(e.ID.String()), []byte(id.String()))
	version := `"aggregateversion":`
	e.Data = bytes.Replace(e.Data, fmt.Appendf(nil, "%s%d", version, e.Version), fmt.Appendf(nil, "%s%d", version, e.Version+1), 1)
	e.ID = id
	e.Version++
	return e
}

type savedRepositories struct {
	assessplan.Repositories
	saved *[]assessplan.TaskChange
}

func (r *savedRepositories) SaveTasks(ctx context.Context, changes []assessplan.TaskChange) error {
	*r.saved = slices.Clone(changes)
	return r.Repositories.SaveTasks(ctx, changes)
}

func TestAuditSeesStoreThatAppliesATransactionTwice(t *testing.T) {
	for _, at := range sites(t) {
		if at.call != plantest.Update || at.n%3 != 0 {
			continue
		}
		t.Run(fmt.Sprint(at.n), func(t *testing.T) {
			t.Parallel()
			store := &repeatingStore{nth: at.n}
			problems := tellAndAudit(t, setup{between: func(behind assessplan.Store) assessplan.Store {
				store.Store = behind
				return store
			}}, oneFault, nil)
			require.Equal(t, store.found, len(problems) > 0, "%v on the way %s", problems, at.way)
		})
	}
}

// rerunningStore runs a whole Update again after it committed. Most commands can bear that; another entry is another entry.
type rerunningStore struct {
	assessplan.Store
	nth int
}

func (s *rerunningStore) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	err := s.Store.Update(ctx, fn)
	if s.nth--; s.nth != 0 || err != nil {
		return err
	}
	return s.Store.Update(ctx, fn)
}

func TestAuditSeesStoreThatRunsAnUpdateTwice(t *testing.T) {
	for _, at := range sites(t) {
		if at.call != plantest.Update || !strings.Contains(at.way, "ReissueEntry") {
			continue
		}
		problems := tellAndAudit(t, setup{between: func(store assessplan.Store) assessplan.Store {
			return &rerunningStore{Store: store, nth: at.n}
		}}, oneFault, nil)
		require.NotEmpty(t, problems)
		return
	}
	t.Fatal("the story reissues nothing")
}
