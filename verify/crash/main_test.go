package crash_test

import (
	"flag"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var (
	seedFlag = flag.Int64("crash.seed", 0, "what the kills are drawn from; 0 takes the time")
	longFlag = flag.Bool("crash.long", false, "the long forms, see doc.go")
)

// asWorker in the environment makes this binary a worker.
const asWorker = "ASSESSPLAN_CRASH_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(asWorker) != "" {
		os.Exit(work(os.Stdin, os.Stdout, os.Stderr))
	}
	goleak.VerifyTestMain(m)
}

// newSeed says how a run that fails is repeated.
func newSeed(t *testing.T) int64 {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = time.Now().UnixNano()
	}
	form := "-race"
	if *longFlag {
		form = "-crash.long"
	}
	t.Logf("repeat with: go test ./verify/crash %s -run '^%s$' -crash.seed=%d (the moments at which signals arrive differ)", form, t.Name(), seed)
	return seed
}
