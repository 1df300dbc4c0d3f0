package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/benbjohnson/clock"

	"github.com/assessplan/assessplan"
)

// demo plays a story against the server, over HTTP, and writes what happened. The clock is moved by hand, so that ten days
// take a second. The database is empty.
func demo(ctx context.Context, db *database, out io.Writer) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &story{out: out, clock: clock.NewMock(), server: "http://" + listener.Addr().String(), mails: make(chan string, 1)}
	s.host, err = newHost(db, settings{
		link: s.server + "/fill", secret: "tick", keys: map[assessplan.OrgID]string{"clinic-a": "alpha", "clinic-b": "beta"},
		clock: s.clock, mail: s.mail, log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- s.host.serve(serving, listener) }()
	s.tell(ctx)
	stop()
	return errors.Join(s.err, <-served)
}

// story is the people around the server.
type story struct {
	out    io.Writer
	clock  *clock.Mock
	server string
	host   *host
	mails  chan string
	err    error // the first that ended the story
}

func (s *story) tell(ctx context.Context) {
	s.at(time.Date(2026, 3, 2, 7, 0, 0, 0, time.UTC))
	anna := s.call(ctx, "staff of clinic-a", "alpha", "POST", "/users", object{"name": "Anna", "email": "anna@example.org"})
	plan := s.call(ctx, "staff of clinic-a", "alpha", "POST", "/plans", object{
		"scale_code": "PHQ-8", "zone": "Europe/Berlin", "fill_window": "3d",
		"schedule": object{"type": "by_week", "every": 1, "count": 2, "times": []string{"09:00"}},
	})
	round := object{"plan_id": plan["id"], "user_id": anna["id"], "start": "2026-03-02"}
	s.call(ctx, "staff of clinic-b", "beta", "POST", "/enrollments", round)
	s.call(ctx, "staff of clinic-a", "alpha", "POST", "/enrollments", round)

	s.at(time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))
	s.call(ctx, "somebody", "guess", "POST", "/passes", nil)
	s.call(ctx, "cron", "tick", "POST", "/passes", nil)
	first := s.await(ctx)
	s.call(ctx, "Anna", "", "GET", "/fill?"+first.Encode(), nil)
	s.say("Anna hands in a sheet whose score the database refuses, after the task was completed:")
	s.fill(ctx, first, 9, 9, 9, 9, 9, 9, 9, 9)
	s.stored(ctx)
	s.say("a sheet that is possible, and the same again, and another:")
	s.fill(ctx, first, 1, 0, 2, 1, 0, 0, 3, 1)
	s.await(ctx)
	s.fill(ctx, first, 1, 0, 2, 1, 0, 0, 3, 1)
	s.fill(ctx, first, 0, 0, 0, 0, 0, 0, 0, 0)
	s.stored(ctx)

	s.at(time.Date(2026, 3, 9, 8, 0, 0, 0, time.UTC))
	s.call(ctx, "cron", "tick", "POST", "/passes", nil)
	second := s.await(ctx)
	s.at(time.Date(2026, 3, 12, 8, 0, 0, 0, time.UTC))
	s.say("Anna hands in the second sheet too late, after the host stored it:")
	s.fill(ctx, second, 0, 1, 0, 1, 0, 1, 0, 1)
	s.stored(ctx)
	s.call(ctx, "cron", "tick", "POST", "/passes", nil)
	s.stored(ctx)
}

type object = map[string]any

// at moves the clock.
func (s *story) at(now time.Time) {
	s.clock.Set(now)
	_, _ = fmt.Fprintln(s.out, now.Format("Mon 2006-01-02 15:04 MST"))
}

func (s *story) say(words string) { _, _ = fmt.Fprintln(s.out, " ", words) }

// call is one request, and a line about it.
func (s *story) call(ctx context.Context, who, key, method, path string, body object) (answer object) {
	if s.err != nil {
		return nil
	}
	status, answer, err := s.request(ctx, key, method, path, body)
	if err != nil {
		s.err = err
		return nil
	}
	route, _, _ := strings.Cut(path, "?")
	line := fmt.Sprintf("  %-18s %-4s %-12s %d", who, method, route, status)
	for _, name := range []string{"error", "scale", "expire_at", "tasks", "opened", "expired"} {
		if value, ok := answer[name]; ok {
			line += fmt.Sprintf("  %s: %v", name, value)
		}
	}
	_, _ = fmt.Fprintln(s.out, line)
	return answer
}

func (s *story) request(ctx context.Context, key, method, path string, body object) (status int, answer object, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	request, err := http.NewRequestWithContext(ctx, method, s.server+path, bytes.NewReader(text))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	err = json.NewDecoder(response.Body).Decode(&answer)
	return response.StatusCode, answer, errors.Join(err, response.Body.Close())
}

// fill hands in a sheet through the link of a mail.
func (s *story) fill(ctx context.Context, link url.Values, answers ...int) {
	s.call(ctx, "Anna", "", "POST", "/fill", object{"task_id": link.Get("task_id"), "token": link.Get("token"), "answers": answers})
}

// mail is the host's mailer.
func (s *story) mail(_, to, text string) error {
	s.mails <- "To " + to + ": " + text
	return nil
}

// await is the next mail, which the relay brings on its way, and what its link says.
func (s *story) await(ctx context.Context) url.Values {
	if s.err != nil {
		return nil
	}
	select {
	case mail := <-s.mails:
		text, link, _ := strings.Cut(strings.TrimSpace(mail), "\n")
		s.say(text)
		_, query, _ := strings.Cut(link, "?")
		values, err := url.ParseQuery(query)
		s.err = err
		return values
	case <-time.After(30 * time.Second):
		s.err = errors.New("no mail came for 30 seconds")
	case <-ctx.Done():
		s.err = ctx.Err()
	}
	return nil
}

// stored looks into both tables: the host's and the library's.
func (s *story) stored(ctx context.Context) {
	if s.err != nil {
		return
	}
	var sheets int64
	s.err = s.host.database.gorm.WithContext(ctx).Model(&answerSheet{}).Count(&sheets).Error
	page, err := s.host.service.Manager.ListTasks(ctx, assessplan.TaskQuery{Org: "clinic-a"})
	var states []string
	for _, task := range page.Tasks {
		states = append(states, string(task.Status))
	}
	s.err = errors.Join(s.err, err)
	s.say(fmt.Sprintf("stored: sheets %d, tasks %s", sheets, strings.Join(states, " and ")))
}
