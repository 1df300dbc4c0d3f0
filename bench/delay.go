package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/memstore"
)

// pollInterval is that of the line about a relay which no commit wakes; the default is ten times as long.
const pollInterval = 100 * time.Millisecond

// relayDelays measures from the return of a commit to the call of the publisher, one event at a time in a service that has
// nothing else to do. Beside each event it times a message to a goroutine that waits for it: nothing wakes sooner.
func relayDelays(ctx context.Context, s settings, out *table) error {
	if err := memoryDelays(ctx, out, "memstore, a commit wakes the relay", s.tasks/50, 0); err != nil {
		return err
	}
	if err := fileDelays(ctx, out, "sqlitestore, a commit wakes the relay", s.tasks/100); err != nil {
		return err
	}
	return memoryDelays(ctx, out, fmt.Sprintf("memstore, polling every %v", pollInterval), s.tasks/1000, pollInterval)
}

func memoryDelays(ctx context.Context, out *table, what string, samples int, polling time.Duration) error {
	h := newHandover(polling)
	b, err := newBed(stamping{memstore.New()}, h.config())
	if err != nil {
		return err
	}
	return h.show(ctx, b, out, what, samples)
}

func fileDelays(ctx context.Context, out *table, what string, samples int) error {
	h := newHandover(0)
	f, err := newFileBed(ctx, h.config())
	if err != nil {
		return err
	}
	defer f.close()
	return h.show(ctx, f.bed, out, what, samples)
}

// handover is where a relay that runs meets the goroutine that commits.
type handover struct {
	polling time.Duration // 0: commits wake the relay
	running bool
	handed  chan time.Time // when the publisher was called
	rested  chan struct{}  // the relay has settled what it published

	beside   func() (time.Duration, error) // what is timed beside each event; nil: a message to a goroutine
	consumed <-chan time.Time              // when a consumer behind the publisher had the event; nil: there is none
	receipts []time.Duration               // from the return of the commit until then
}

func newHandover(polling time.Duration) *handover {
	return &handover{polling: polling, handed: make(chan time.Time, 1), rested: make(chan struct{}, 1)}
}

func (h *handover) config() *assessplan.Config {
	return &assessplan.Config{Publisher: assessplan.EventPublisherFunc(h.publish), Observer: h,
		Relay: assessplan.RelayConfig{PollInterval: h.polling}}
}

func (h *handover) publish(context.Context, ...assessplan.Event) error {
	if h.running {
		h.handed <- time.Now()
	}
	return nil
}

// Observe hears of each stretch of the relay's work.
func (h *handover) Observe(_ context.Context, o assessplan.Observation) {
	if _, relayed := o.(*assessplan.RelayFinished); relayed && h.running {
		h.rested <- struct{}{}
	}
}

func (h *handover) show(ctx context.Context, b *bed, out *table, what string, samples int) error {
	delays, floor, err := h.delays(ctx, b, samples)
	if err != nil {
		return err
	}
	for _, percent := range []int{50, 99} {
		delay, message := quantile(delays, percent), quantile(floor, percent)
		l := line{what: fmt.Sprintf("%s: p%d", what, percent), reached: short(delay), beside: "a message to a goroutine", baseline: short(message)}
		if h.polling == 0 {
			l.ratio = times(delay, message)
		}
		out.add(l)
	}
	return nil
}

func short(d time.Duration) string { return d.Round(max(d/1000, 10*time.Nanosecond)).String() }

// delays opens tasks one by one while a relay runs.
func (h *handover) delays(ctx context.Context, b *bed, samples int) (delays, floor []time.Duration, err error) {
	tasks, err := dueTasks(ctx, b, samples)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	h.running = true
	ended := make(chan error, 1)
	go func() { ended <- b.service.Relay.Run(ctx) }()
	defer func() {
		cancel()
		if stopped := <-ended; err == nil {
			err = stopped
		}
	}()
	beside := h.beside
	if beside == nil {
		messages := waitForMessages()
		defer close(messages.sent)
		beside = func() (time.Duration, error) { return messages.delay(), nil }
	}
	for _, task := range tasks {
		pause(h.polling)
		took, err := beside()
		if err != nil {
			return nil, nil, err
		}
		floor = append(floor, took)
		pause(h.polling)
		delay, err := h.delay(ctx, b, task)
		if err != nil {
			return nil, nil, err
		}
		delays = append(delays, delay)
	}
	return delays, floor, nil
}

// dueTasks returns tasks that can be opened, and of which nothing is in the outbox.
func dueTasks(ctx context.Context, b *bed, samples int) (tasks []assessplan.TaskState, err error) {
	if err := b.fill(ctx, ofMarch, (samples+perRound-1)/perRound*perRound); err != nil {
		return nil, err
	}
	if _, err := relay(ctx, b); err != nil {
		return nil, err
	}
	b.clock.now = morning
	for q := (assessplan.TaskQuery{Org: org, Plan: b.plan}); len(tasks) < samples; {
		page, err := b.service.Manager.ListTasks(ctx, q)
		if err != nil {
			return nil, err
		}
		tasks, q.After = append(tasks, page.Tasks...), page.Next
	}
	return tasks[:samples], nil
}

// delay opens a task and waits until its event was handed over, and the relay rests again.
func (h *handover) delay(ctx context.Context, b *bed, task assessplan.TaskState) (time.Duration, error) {
	manager := b.service.Manager
	if h.polling > 0 {
		manager = manager.Using(b.store) // as another process would, whose commits wake nobody here
	}
	var committed time.Time
	if _, err := manager.OpenTask(context.WithValue(ctx, committedAt{}, &committed), org, task.ID); err != nil {
		return 0, err
	}
	handed, err := receive(ctx, h.handed)
	if err != nil {
		return 0, err
	}
	if h.consumed != nil {
		received, err := receive(ctx, h.consumed)
		if err != nil {
			return 0, err
		}
		h.receipts = append(h.receipts, received.Sub(committed))
	}
	_, err = receive(ctx, h.rested)
	return handed.Sub(committed), err
}

func receive[T any](ctx context.Context, from <-chan T) (received T, err error) {
	select {
	case received = <-from:
		return received, nil
	case <-ctx.Done():
		return received, ctx.Err()
	}
}

// pause lets every thread go to sleep, as in a service that has little to do; a relay that polls is met anywhere in its
// interval.
func pause(polling time.Duration) { time.Sleep(time.Millisecond + rand.N(polling+1)) }

// messages are sent to a goroutine that tells how long each took.
type messages struct {
	sent chan time.Time
	took chan time.Duration
}

func waitForMessages() messages {
	m := messages{sent: make(chan time.Time), took: make(chan time.Duration)}
	go func() {
		for sent := range m.sent {
			m.took <- time.Since(sent)
		}
	}()
	return m
}

func (m messages) delay() time.Duration {
	m.sent <- time.Now()
	return <-m.took
}

// stamping notes when a commit returned, where the context asks for it.
type stamping struct{ assessplan.Store }

type committedAt struct{}

func (s stamping) Update(ctx context.Context, fn func(ctx context.Context, r assessplan.Repositories) error) error {
	err := s.Store.Update(ctx, fn)
	if at, asked := ctx.Value(committedAt{}).(*time.Time); asked {
		*at = time.Now()
	}
	return err
}
