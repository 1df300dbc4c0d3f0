package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// resolveRates has a server in a process of its own, on one core, resolve entries as fast as it can, turn by turn with a
// handler beside that reads the body and answers as much.
func resolveRates(ctx context.Context, s settings, out *table) (err error) {
	served, stop, err := serveInProcess(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	rates, costs := map[string][]time.Duration{}, map[string][]time.Duration{}
	for range s.rounds {
		for _, path := range []string{resolvePath, barePath} {
			took, cpu, err := served.attack(ctx, path, time.Duration(s.tasks)*30*time.Microsecond)
			if err != nil {
				return err
			}
			rates[path], costs[path] = append(rates[path], took), append(costs[path], cpu)
		}
	}
	reached, bare := median(rates[resolvePath]), median(rates[barePath])
	out.add(line{what: "POST /entries/resolve, one core", reached: rate(1, reached, "requests"), beside: "a handler that answers as much",
		baseline: rate(1, bare, "requests"), ratio: ratio(bare, reached), figure: "at least 5,000 requests/s"})
	cpu, bareCPU := median(costs[resolvePath]), median(costs[barePath])
	out.add(line{what: "POST /entries/resolve, CPU of a request", reached: cpu.String(), beside: "a handler that answers as much",
		baseline: bareCPU.String(), ratio: times(cpu, bareCPU)})
	return nil
}

const (
	resolvePath = "/api/v1/entries/resolve"
	barePath    = "/bare"
	cpuPath     = "/cpu"
	attackers   = 16 // connections
)

// What the process is told by its environment.
const (
	entriesVariable = "ASSESSPLAN_BENCH_ENTRIES" // how many it serves
	profileVariable = "ASSESSPLAN_BENCH_PROFILE" // where its CPU profile goes
)

// serveIfAsked serves entries for as long as it is to, if this process was started for that, and reports whether it was. A server
// that fails ends the process.
func serveIfAsked() bool {
	tasks, err := strconv.Atoi(os.Getenv(entriesVariable))
	if err != nil {
		return false
	}
	err = profiled(os.Getenv(profileVariable), func() error { return serveOpened(context.Background(), tasks, os.Stdin, os.Stdout) })
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	return true
}

// resolver is the server, seen from outside.
type resolver struct {
	URL    string   `json:"url"`
	Bodies []string `json:"bodies"` // what resolves the entries
}

// serveInProcess starts this program again, to serve what is to be resolved until its input ends.
func serveInProcess(ctx context.Context, s settings) (served *resolver, stop func() error, err error) {
	command := exec.CommandContext(ctx, os.Args[0])
	command.Env = append(os.Environ(), "GOMAXPROCS=1", fmt.Sprintf("%s=%d", entriesVariable, s.tasks/10))
	if s.profile != "" {
		command.Env = append(command.Env, profileVariable+"="+s.profile+".server")
	}
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := command.Start(); err != nil {
		return nil, nil, err
	}
	stop = func() error { return errors.Join(in.Close(), command.Wait()) }
	served = &resolver{}
	if err := json.NewDecoder(bufio.NewReader(output)).Decode(served); err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	return served, stop, nil
}

// attack asks as fast as the server answers, and returns what a request took of the clock and of the server's CPU.
func (r *resolver) attack(ctx context.Context, path string, lasting time.Duration) (each, cpu time.Duration, err error) {
	before, err := r.cpu(ctx)
	if err != nil {
		return 0, 0, err
	}
	var next atomic.Uint64
	target := func(t *vegeta.Target) error {
		body := r.Bodies[next.Add(1)%uint64(len(r.Bodies))]
		*t = vegeta.Target{Method: http.MethodPost, URL: r.URL + path, Body: []byte(body), Header: http.Header{"Content-Type": {"application/json"}}}
		return nil
	}
	attacker := vegeta.NewAttacker(vegeta.Workers(attackers), vegeta.MaxWorkers(attackers), vegeta.Connections(attackers))
	metrics := vegeta.Metrics{}
	start := time.Now()
	for result := range attacker.Attack(target, vegeta.Rate{}, lasting, path) {
		metrics.Add(result)
	}
	took := time.Since(start)
	metrics.Close()
	if metrics.Success < 1 {
		return 0, 0, fmt.Errorf("%s: %.1f%% of the answers were no success: %s", path, 100*(1-metrics.Success), strings.Join(metrics.Errors, ", "))
	}
	after, err := r.cpu(ctx)
	n := time.Duration(max(metrics.Requests, 1))
	return took / n, (after - before) / n, err
}

// cpu is what the server's process has used.
func (r *resolver) cpu(ctx context.Context) (used time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL+cpuPath, bytes.NewReader(nil))
	if err != nil {
		return 0, err
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return 0, err
	}
	text, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return 0, err
	}
	return time.ParseDuration(string(text))
}
