package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	"github.com/assessplan/assessplan/httpapi"
)

// anyone may do everything: how credentials are looked up is the host's.
var anyone = access.Anonymous(access.Principal{Subject: "bench", Org: org, Permissions: access.Permissions()})

// openByPOST has a pass run behind a server on the loopback address. The answer, with its tasks and links, is read and decoded.
func openByPOST(store assessplan.Store) contender {
	c := contender{label: "POST /schedule"}
	var stop func() error
	c.around = func(context.Context) (func() error, error) { return func() error { return stop() }, nil }
	c.begin = func(ctx context.Context, l *lap) (func(context.Context) (int, error), error) {
		b, err := newBed(timing{store, l}, &assessplan.Config{PageSize: l.page})
		if err != nil {
			return nil, err
		}
		b.clock.now = l.now
		handler, err := httpapi.Handler(b.service, &httpapi.Config{Authenticate: anyone})
		if err != nil {
			return nil, err
		}
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		client := &http.Client{Transport: &http.Transport{}}
		stop = func() error {
			client.CloseIdleConnections()
			err := server.Close()
			if failed := <-served; !errors.Is(failed, http.ErrServerClosed) {
				err = errors.Join(err, failed)
			}
			return err
		}
		url := "http://" + listener.Addr().String() + "/api/v1/plans/tasks/schedule"
		return func(ctx context.Context) (int, error) { return post(ctx, client, url) }, nil
	}
	return c
}

// post calls until nothing is left, as the triggers do, and returns how many tasks were opened.
func post(ctx context.Context, client *http.Client, url string) (opened int, err error) {
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, http.NoBody)
		if err != nil {
			return opened, err
		}
		response, err := client.Do(request)
		if err != nil {
			return opened, err
		}
		text, err := io.ReadAll(response.Body)
		if err = errors.Join(err, response.Body.Close()); err != nil {
			return opened, err
		}
		answer := struct {
			OpenedCount int  `json:"opened_count"`
			More        bool `json:"more"`
		}{}
		if err := json.Unmarshal(text, &answer); err != nil || response.StatusCode != http.StatusOK {
			return opened, fmt.Errorf("%s: %w", response.Status, errors.Join(err, errors.New(string(text[:min(len(text), 200)]))))
		}
		opened += answer.OpenedCount
		if !answer.More {
			return opened, nil
		}
	}
}

// openOverHTTP sets a pass that is called over HTTP beside one that is called directly.
func openOverHTTP(ctx context.Context, r *race) error {
	took, err := r.compete(ctx, 1, usualPage, openByPOST(r.db.store()), openByLibrary(r.db.store()))
	if err != nil {
		return err
	}
	r.out.add(line{what: "open by POST /schedule", reached: each(took[0]), beside: "the Scheduler, called directly", baseline: each(took[1]),
		ratio: fmt.Sprintf("%.2f times", float64(took[0])/float64(took[1])), figure: r.server.figures.overHTTP})
	return nil
}
