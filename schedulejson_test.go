package assessplan_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

func TestSlipsInTheJSONOfAScheduleAreNamedAndNotGuessedAbout(t *testing.T) {
	for _, test := range []struct{ name, json, path string }{
		{"a field that is given twice, once in capitals", `{"type":"by_day","every":1,"Every":2,"count":1}`, "Every"},
		{"a field that is given twice, once with the sign for kelvin", `{"type":"custom","weeks":[1],"weeKs":[2]}`, "weeKs"},
		{"a field of a slot that is given twice",
			`{"type":"cycle","every":1,"unit":"week","count":1,"slots":[{"day":0,"day":3,"time":"09:00"}]}`, "slots[0].day"},
		{"a slot without its time", `{"type":"cycle","every":1,"unit":"week","count":1,"slots":[{"day":0}]}`, "slots[0].time"},
		{"a slot without its day", `{"type":"cycle","every":1,"unit":"week","count":1,"slots":[{"time":"09:00"}]}`, "slots[0].day"},
		{"a slot at the time null", `{"type":"cycle","every":1,"unit":"week","count":1,"slots":[{"day":0,"time":null}]}`, "slots[0].time"},
		{"a slot that is null", `{"type":"cycle","every":1,"unit":"week","count":1,"slots":[null]}`, "slots[0]"},
		{"a time that is null", `{"type":"by_day","every":1,"count":1,"times":[null]}`, "times[0]"},
		{"a week that is null", `{"type":"custom","weeks":[null]}`, "weeks[0]"},
		{"no schedule at all", `null`, "schedule"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var read assessplan.Schedule
			require.Equal(t, []string{test.path}, faultPaths(t, json.Unmarshal([]byte(test.json), &read)))
			require.Zero(t, read)
		})
	}
}

func TestNestedJSONIsRefusedWhereScheduleEnds(t *testing.T) {
	var read assessplan.Schedule
	deep := strings.Repeat(`{"a":`, 9000) + "1" + strings.Repeat("}", 9000)
	require.Equal(t, []string{"a.a.a.a.a"}, faultPaths(t, json.Unmarshal([]byte(deep), &read)))
}
