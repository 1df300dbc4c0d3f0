package plantest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"sync"
	"time"

	"github.com/assessplan/assessplan"
)

// Generator is an [assessplan.EntryGenerator] that behaves as it is told, call by call or task by task, and counts. The
// zero value makes a [Good] entry for every task. Orders may be given while it is in use.
type Generator struct {
	mu        sync.Mutex
	calls     int
	byTask    map[assessplan.TaskID]int
	onCall    map[int]assessplan.EntryGeneratorFunc
	onTask    map[assessplan.TaskID][]assessplan.EntryGeneratorFunc
	otherwise assessplan.EntryGeneratorFunc
}

var _ assessplan.EntryGenerator = (*Generator)(nil)

// OnCall says how the generator behaves when it is called for the nth time, counted from 1 over all tasks. It goes before
// OnTask.
func (g *Generator) OnCall(n int, behaviour assessplan.EntryGeneratorFunc) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.onCall == nil {
		g.onCall = map[int]assessplan.EntryGeneratorFunc{}
	}
	g.onCall[n] = behaviour
}

// OnTask says how the generator behaves for one task: the first of the behaviours when it is first asked, the second when
// it is asked again, the last ever after. None takes back what was said. OnTask goes before Otherwise.
func (g *Generator) OnTask(id assessplan.TaskID, behaviours ...assessplan.EntryGeneratorFunc) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.onTask == nil {
		g.onTask = map[assessplan.TaskID][]assessplan.EntryGeneratorFunc{}
	}
	g.onTask[id] = behaviours
	delete(g.byTask, id)
}

// Otherwise says how the generator behaves where nothing else was said; nil is [Good].
func (g *Generator) Otherwise(behaviour assessplan.EntryGeneratorFunc) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.otherwise = behaviour
}

// Calls returns how often the generator was called, hanging and failed calls included.
func (g *Generator) Calls() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.calls
}

// GenerateEntry implements [assessplan.EntryGenerator].
func (g *Generator) GenerateEntry(ctx context.Context, task *assessplan.AssessmentTask) (token, url string, expireAt time.Time, err error) {
	return g.next(task.State().ID)(ctx, task)
}

// next counts a call and returns how to behave in it.
func (g *Generator) next(id assessplan.TaskID) assessplan.EntryGeneratorFunc {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls++
	if behaviour := g.onCall[g.calls]; behaviour != nil {
		return behaviour
	}
	if script := g.onTask[id]; len(script) > 0 {
		if g.byTask == nil {
			g.byTask = map[assessplan.TaskID]int{}
		}
		place := min(g.byTask[id], len(script)-1)
		g.byTask[id]++
		return script[place]
	}
	if g.otherwise != nil {
		return g.otherwise
	}
	return Good
}

// Good makes a valid entry: the token is that of [Token], the URL lies below https://fill.example.org/, and it lasts seven
// times 24 hours from the opening.
func Good(ctx context.Context, task *assessplan.AssessmentTask) (token, url string, expireAt time.Time, err error) {
	state := task.State()
	token = Token(state.ID, state.EntrySerial+1)
	return token, fmt.Sprintf("https://fill.example.org/?token=%s&task_id=%s", token, state.ID), opening(ctx).Add(7 * 24 * time.Hour), nil
}

// Token returns the token of the nth entry that [Good] makes for a task, counted from 1. Anybody can make it again: it is
// for tests only.
func Token(task assessplan.TaskID, n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "plantest %s %d", task, n))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Rubbish returns a token that is too short, a URL that is none of the web, no expiry and no error.
func Rubbish(context.Context, *assessplan.AssessmentTask) (token, url string, expireAt time.Time, err error) {
	return "1234", "javascript:alert(1)", time.Time{}, nil
}

// Stale makes an entry that is valid but for its expiry: it ends at the opening.
func Stale(ctx context.Context, task *assessplan.AssessmentTask) (token, url string, expireAt time.Time, err error) {
	token, url, _, err = Good(ctx, task)
	return token, url, opening(ctx), err
}

// Fail returns err; a nil err is [assessplan.ErrUnavailable].
func Fail(err error) assessplan.EntryGeneratorFunc {
	return func(context.Context, *assessplan.AssessmentTask) (string, string, time.Time, error) {
		return "", "", time.Time{}, orUnavailable(err)
	}
}

// Panic panics with a value.
func Panic(value any) assessplan.EntryGeneratorFunc {
	return func(context.Context, *assessplan.AssessmentTask) (string, string, time.Time, error) { panic(value) }
}

// Hang waits until its ctx ends, and returns the ctx's error; or until release is called, and makes a [Good] entry.
// release may be called again.
func Hang() (behaviour assessplan.EntryGeneratorFunc, release func()) {
	released := make(chan struct{})
	return func(ctx context.Context, task *assessplan.AssessmentTask) (string, string, time.Time, error) {
		select {
		case <-released:
			return Good(ctx, task)
		case <-ctx.Done():
			return "", "", time.Time{}, ctx.Err()
		}
	}, sync.OnceFunc(func() { close(released) })
}

// HangDeaf hangs as [Hang] does, but does not hear of the end of its ctx. A test must call release before it ends, or it
// leaves goroutines behind.
func HangDeaf() (behaviour assessplan.EntryGeneratorFunc, release func()) {
	hearing, release := Hang()
	return func(ctx context.Context, task *assessplan.AssessmentTask) (string, string, time.Time, error) {
		return hearing(context.WithoutCancel(ctx), task)
	}, release
}

// opening is when the task is being opened. A test that calls a behaviour by itself has no such time.
func opening(ctx context.Context) time.Time {
	if at := assessplan.OpeningTime(ctx); !at.IsZero() {
		return at
	}
	return Morning()
}
