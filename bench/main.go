// Command bench measures the library against baselines in one run and prints medians and ratios. README.md says how to
// read them.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
)

// settings are what the flags say.
type settings struct {
	rounds   int
	tasks    int
	only     string
	markdown bool
	profile  string

	databases       bool // measure those that need a server
	postgres, mysql string
	due, pending    int
	most            int // that are pending in the largest database; 0: no larger one than pending
	parts           string
	hurry           int // how much faster the clocks of replicas go, for tests that do not wait for a lease; 0: as the machine's

	brokers        bool // measure those that need brokers
	nats, rabbitmq string
	events         int // that are published to a broker
}

// need is what must run on this machine, or elsewhere.
type need int

const (
	noServer need = iota
	databaseServers
	messageBrokers // and Postgres
)

// measures are run in this order.
var measures = []struct {
	name  string
	run   func(ctx context.Context, s settings, out *table) error
	needs need
}{
	{name: "memstore", run: passesInMemory},
	{name: "scan", run: scanInMemory},
	{name: "heap", run: heapOfPass},
	{name: "sqlite", run: passesInSQLite},
	{name: "relay", run: relayRates},
	{name: "delay", run: relayDelays},
	{name: "allocations", run: allocations},
	{name: "resolve", run: resolveRates},
	{name: onPostgres.name, run: onPostgres.measure, needs: databaseServers},
	{name: onMariaDB.name, run: onMariaDB.measure, needs: databaseServers},
	{name: "replicas", run: replicaMeasure, needs: databaseServers},
	{name: "brokers", run: brokers, needs: messageBrokers},
}

func main() {
	if serveIfAsked() || replicateIfAsked() {
		return
	}
	s := settings{}
	flag.IntVar(&s.rounds, "rounds", 5, "how often each measure is repeated; the median counts")
	flag.IntVar(&s.tasks, "tasks", 100_000, "how many tasks a pass meets in memory; a tenth of that in SQLite")
	flag.StringVar(&s.only, "only", "", "comma-separated measures: memstore, scan, heap, sqlite, relay, delay, allocations, resolve, postgres, mariadb, replicas, brokers; empty is all that need no server, or with -databases or -brokers those that do")
	flag.BoolVar(&s.markdown, "markdown", false, "print the table as docs/performance.md has it")
	flag.BoolVar(&s.databases, "databases", false, "measure what needs a server: postgres, mariadb, replicas")
	flag.StringVar(&s.postgres, "postgres", "postgres://root@127.0.0.1:5432/postgres?sslmode=disable", "a Postgres server, whose user may make databases and checkpoints")
	flag.StringVar(&s.mysql, "mysql", "root@tcp(127.0.0.1:3306)/", "a MariaDB or MySQL server, whose user may make databases")
	flag.StringVar(&s.nats, "nats", "nats://127.0.0.1:4222", "a NATS server with JetStream, for replicas and brokers")
	flag.IntVar(&s.due, "due", 20_000, "how many tasks are due in a database on a server")
	flag.IntVar(&s.pending, "pending", 1_000_000, "how many tasks are pending there, those that are due among them")
	flag.IntVar(&s.most, "most", 0, "how many are pending in another, larger one in which pages are timed; 0 is none")
	flag.StringVar(&s.parts, "parts", "", "comma-separated parts of what is measured on servers: workers, pages, latency, idle, snapshot, relay, http; empty is all")
	flag.BoolVar(&s.brokers, "brokers", false, "measure what needs message brokers, and Postgres: brokers")
	flag.StringVar(&s.rabbitmq, "rabbitmq", "amqp://guest:guest@127.0.0.1:5672/", "a RabbitMQ server")
	flag.IntVar(&s.events, "events", 4000, "how many events are published to JetStream in a lap; a fourth of that to RabbitMQ, and a tenth one by one")
	flag.StringVar(&s.profile, "cpuprofile", "", "a file for a CPU profile, in which what is measured has labels: README.md")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) // databases are dropped
	defer stop()
	if err := profiled(s.profile, func() error { return run(ctx, s, os.Stdout) }); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings, out io.Writer) error {
	if s.rounds < 1 || s.tasks < leastTasks {
		return fmt.Errorf("-rounds is %d and -tasks %d; want at least 1 and %d", s.rounds, s.tasks, leastTasks)
	}
	lines := &table{out: out, markdown: s.markdown}
	lines.title(fmt.Sprintf("%s %s/%s, %d cores; %d rounds, %d tasks; medians", runtime.Version(), runtime.GOOS, runtime.GOARCH,
		runtime.NumCPU(), s.rounds, s.tasks))
	for _, measure := range measures {
		if s.only == "" && measure.needs != s.has() {
			continue
		}
		if s.only != "" && !slices.Contains(strings.Split(s.only, ","), measure.name) {
			continue
		}
		lines.begin(measure.name)
		if err := measure.run(ctx, s, lines); err != nil {
			return fmt.Errorf("%s: %w", measure.name, err)
		}
	}
	lines.end()
	return nil
}

// has says what those measures need that are run if none is named.
func (s *settings) has() need {
	switch {
	case s.databases:
		return databaseServers
	case s.brokers:
		return messageBrokers
	}
	return noServer
}

// leastTasks is so many that every measure has something to do.
const leastTasks = 1000

// profiled writes a CPU profile of what runs into a file, if one is named.
func profiled(path string, measured func() error) error {
	if path == "" {
		return measured()
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	err = measured()
	pprof.StopCPUProfile()
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}
