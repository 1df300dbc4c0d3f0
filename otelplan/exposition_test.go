package otelplan_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// TestExposition compares what Prometheus is given of the story with a golden file, from which deploy takes which names, labels
// and values there are.
func TestExposition(t *testing.T) {
	const golden = "testdata/exposition.txt"
	c := newClinic(t)
	c.story()
	got := c.exposition()
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "run the test with -update if a change is meant: rules and dashboards of hosts rely on this")
}

func TestUnitsFollowTheConventions(t *testing.T) {
	c := newClinic(t)
	c.story()
	kinds := map[string]string{}
	for name, one := range c.collected() {
		require.Regexp(t, `^assessplan\.[a-z_]+(\.[a-z_]+)+$`, name)
		require.NotEmpty(t, one.Description)
		switch data := one.Data.(type) {
		case metricdata.Sum[int64]:
			require.True(t, data.IsMonotonic, name)
			kinds[name] = one.Unit + " counter"
		case metricdata.Gauge[int64], metricdata.Gauge[float64]:
			kinds[name] = one.Unit + " gauge"
		case metricdata.Histogram[float64]:
			kinds[name] = one.Unit + " histogram"
		}
	}
	require.Equal(t, map[string]string{
		"assessplan.task.opened":             "{task} counter",
		"assessplan.task.opening.delay":      "s histogram",
		"assessplan.task.completed":          "{task} counter",
		"assessplan.task.expired":            "{task} counter",
		"assessplan.task.canceled":           "{task} counter",
		"assessplan.task.rescheduled":        "{task} counter",
		"assessplan.task.oldest_due.age":     "s gauge",
		"assessplan.record.failures":         "{failure} counter",
		"assessplan.pass.duration":           "s histogram",
		"assessplan.pass.last_success.time":  "s gauge",
		"assessplan.relay.last_success.time": "s gauge",
		"assessplan.relay.failures":          "{failure} counter",
		"assessplan.event.published":         "{event} counter",
		"assessplan.event.refused":           "{event} counter",
		"assessplan.event.parked":            "{event} counter",
		"assessplan.outbox.pending":          "{event} gauge",
		"assessplan.outbox.parked":           "{event} gauge",
		"assessplan.outbox.oldest.age":       "s gauge",
		"assessplan.outbox.counted.time":     "s gauge",
	}, kinds)
}
