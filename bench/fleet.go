package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// fleet is a number of replicas in processes of their own.
type fleet struct{ replicas []*replica }

type replica struct {
	command *exec.Cmd
	in      io.WriteCloser
	url     string
	killed  bool
}

// startFleet starts replicas that serve, and do not work yet.
func startFleet(ctx context.Context, n int, order replicaOrder) (*fleet, error) {
	text, err := json.Marshal(order)
	if err != nil {
		return nil, err
	}
	f := &fleet{}
	for range n {
		r, err := startReplica(ctx, replicaVariable+"="+string(text))
		if err != nil {
			return nil, errors.Join(err, f.stop())
		}
		f.replicas = append(f.replicas, r)
	}
	return f, nil
}

func startReplica(ctx context.Context, variable string) (*replica, error) {
	command := exec.CommandContext(ctx, os.Args[0])
	command.Env = append(os.Environ(), variable)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("a replica did not say where it serves: %w", err), in.Close(), command.Wait())
	}
	return &replica{command: command, in: in, url: strings.TrimSpace(url)}, nil
}

// work has all replicas begin to work at once.
func (f *fleet) work() error {
	for _, r := range f.replicas {
		if _, err := io.WriteString(r.in, "work\n"); err != nil {
			return err
		}
	}
	return nil
}

// kill is kill -9.
func (r *replica) kill() error {
	r.killed = true
	return r.command.Process.Kill()
}

// stop has all end in order, and waits for that.
func (f *fleet) stop() (err error) {
	for _, r := range f.replicas {
		closed := r.in.Close()
		ended := r.command.Wait()
		if !r.killed {
			err = errors.Join(err, closed, ended)
		}
	}
	return err
}

func (f *fleet) urls() (urls []string) {
	for _, r := range f.replicas {
		urls = append(urls, r.url)
	}
	return urls
}
