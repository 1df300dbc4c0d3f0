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

// TestFaultsOfAScheduleAreShort has what is wrong told in the library's words, whatever its size.
func TestFaultsOfAScheduleAreShort(t *testing.T) {
	long := strings.Repeat("9", 900_000)
	many := func(value string) string { return "[" + strings.Repeat(value+",", 100_000) + value + "]" }
	for _, test := range []struct{ name, json, message string }{
		{"a number with a fraction", `{"type":"by_day","every":1.0,"count":1}`,
			"invalid: every is 1.0; want a whole number, without a fraction or an exponent"},
		{"a number of many digits", `{"type":"by_day","every":` + long + `,"count":1}`, "invalid: every is 9999"},
		{"a week of many digits", `{"type":"custom","weeks":[` + long + `]}`, "invalid: weeks[0] is 9999"},
		{"a long type", `{"type":"` + long + `"}`, "invalid: type is \"9999"},
		{"a long name", `{"` + long + `":1}`, "invalid: 9999"},
		{"a long name in a slot", `{"type":"cycle","slots":[{"` + long + `":1}]}`, "invalid: slots[0].9999"},
		{"a long date", `{"type":"fixed_date","dates":["` + long + `"]}`, "invalid: dates[0] is \"9999"},
		{"many weeks", `{"type":"custom","weeks":` + many("-1") + `}`, "invalid: weeks has 100001 values; the most is 1000"},
		{"many slots", `{"type":"cycle","slots":` + many("{}") + `}`, "invalid: slots has 100001 values; the most is 1000"},
		{"many names", `{` + strings.Repeat(`"a":1,`, 100_000) + `"a":1}`, "invalid: a is not a field that is known here; a is"},
		{"text of wrong slots", `{"type":"cycle","slots":[{}` + strings.Repeat(`,{}`, 999) + `]}`, "invalid: slots[0].day is missing"},
		{"what is nested deeply", strings.Repeat(`{"a":`, 9000) + "1" + strings.Repeat("}", 9000), "invalid: a is not a field that is known here"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var read assessplan.Schedule
			err := json.Unmarshal([]byte(test.json), &read)
			require.ErrorIs(t, err, assessplan.ErrInvalid)
			require.True(t, strings.HasPrefix(err.Error(), test.message), "%.200s", err)
			require.Less(t, len(err.Error()), 10_000)
		})
	}
}
