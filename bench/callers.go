package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/assessplan/assessplan"
)

// callsPerSecond is how many testees a second hand in a sheet: each resolves the entry, and then the task is completed.
const callsPerSecond = 50

// callers hand in sheets for tasks that are opened, at a steady rate, whatever the servers take for it.
type callers struct {
	client *http.Client
	sheets []sheet // that are left
	called int

	mu   sync.Mutex
	errs []error
}

// sheet is what a testee has who can hand it in.
type sheet struct {
	task  assessplan.TaskID
	token string
}

// latencies are of calls.
type latencies struct{ resolve, complete []time.Duration }

func (l *latencies) add(other latencies) {
	l.resolve, l.complete = append(l.resolve, other.resolve...), append(l.complete, other.complete...)
}

// run hands in sheets until so many are handed in, none are left or ctx ends, and waits for the last answer.
func (c *callers) run(ctx context.Context, urls []string, most int) (took latencies) {
	ticker := time.NewTicker(time.Second / callsPerSecond)
	defer ticker.Stop()
	var calls sync.WaitGroup
	for range min(most, len(c.sheets)) {
		select {
		case <-ctx.Done():
			calls.Wait()
			return took
		case <-ticker.C:
		}
		next, url := c.sheets[0], urls[c.called%len(urls)]
		c.sheets = c.sheets[1:]
		c.called++
		calls.Go(func() { c.handIn(context.WithoutCancel(ctx), url, next, &took) })
	}
	calls.Wait()
	return took
}

func (c *callers) handIn(ctx context.Context, url string, s sheet, took *latencies) {
	resolving, err := c.post(ctx, url+resolvePath, fmt.Sprintf(`{"task_id":"%s","token":"%s"}`, s.task, s.token))
	completing := time.Duration(0)
	if err == nil {
		completing, err = c.post(ctx, url+"/api/v1/plans/tasks/"+s.task.String()+"/complete", fmt.Sprintf(`{"assessment_id":"sheet-%s"}`, s.task))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.errs = append(c.errs, err)
		return
	}
	took.resolve, took.complete = append(took.resolve, resolving), append(took.complete, completing)
}

// post returns how long an answer took that is good.
func (c *callers) post(ctx context.Context, url, body string) (time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	start := time.Now()
	response, err := c.client.Do(request)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	took := time.Since(start)
	if err = errors.Join(err, response.Body.Close()); err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("a call was answered with %s", response.Status)
	}
	return took, err
}
