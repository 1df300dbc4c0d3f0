package fault_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

var (
	everything    = flag.Bool("fault.all", false, "every call of every store fails in every manner")
	randomStories = flag.Int("fault.stories", 60, "how many stories are told with faults at random")
	randomSeed    = flag.Uint64("fault.seed", 0, "tell only the story of this seed; 0 tells all")
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
