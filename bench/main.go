// Command bench measures the library against baselines in one run and prints medians and ratios. README.md says how to
// read them.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"time"
)

// settings are what the flags say.
type settings struct {
	rounds int
	tasks  int
	only   string
}

// measures are run in this order.
var measures = []struct {
	name string
	run  func(ctx context.Context, s settings) error
}{
	{"memstore", openInMemory},
	{"scan", scanInMemory},
	{"heap", heapOfPass},
	{"sqlite", openInSQLite},
}

func main() {
	s := settings{}
	flag.IntVar(&s.rounds, "rounds", 5, "how often each measure is repeated; the median counts")
	flag.IntVar(&s.tasks, "tasks", 100_000, "how many due tasks a pass opens")
	flag.StringVar(&s.only, "only", "", "comma-separated measures: memstore, scan, heap, sqlite; empty is all")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) error {
	if s.rounds < 1 || s.tasks < 1000 {
		return fmt.Errorf("-rounds is %d and -tasks %d; want at least 1 and 1000", s.rounds, s.tasks)
	}
	fmt.Printf("%s %s/%s, %d cores; %d rounds, %d tasks; medians\n", runtime.Version(), runtime.GOOS, runtime.GOARCH,
		runtime.NumCPU(), s.rounds, s.tasks)
	for _, measure := range measures {
		if s.only != "" && !slices.Contains(strings.Split(s.only, ","), measure.name) {
			continue
		}
		fmt.Printf("\n%s\n", measure.name)
		if err := measure.run(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", measure.name, err)
		}
	}
	return nil
}

// row prints one line of a table: what was measured, its value, and how it compares.
func row(what, value, compared string) { fmt.Printf("  %-44s %16s   %s\n", what, value, compared) }

func rate(tasks int, took time.Duration) string {
	return fmt.Sprintf("%.0f tasks/s", float64(tasks)/took.Seconds())
}

// timed runs what is to be measured after the garbage of what came before is gone.
func timed(measured func() error) (time.Duration, error) {
	runtime.GC()
	start := time.Now()
	err := measured()
	return time.Since(start), err
}

func median[T interface{ ~int64 | ~uint64 }](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
