package assessplan_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// scheduleTexts are schedules of each type, and what people and their programs get wrong.
var scheduleTexts = []string{
	`{"type":"by_day","every":1,"count":3}`,
	`{"type":"by_day","every":2,"count":500,"times":["08:00","12:30"]}`,
	`{"type":"by_day","every":3660,"count":1000}`,
	`{"type":"by_week","every":2,"count":3,"times":["08:00:15"]}`,
	`{"type":"by_month","every":1,"count":13}`,
	`{"type":"by_month","every":3660,"count":2}`,
	`{"type":"custom","weeks":[0,2,4,8,12]}`,
	`{"type":"custom","weeks":[5200],"times":["00:00","23:59:59"]}`,
	`{"type":"fixed_date","dates":["2026-03-31","2028-02-29"],"times":["09:30"]}`,
	`{"type":"fixed_date","dates":["0001-01-01","9999-12-31"]}`,
	`{"type":"cycle","every":4,"unit":"week","count":2,"slots":[{"day":0,"time":"09:00"},{"day":6,"time":"09:00"},{"day":6,"time":"21:00"}]}`,
	`{"type":"cycle","every":10,"unit":"day","count":100,"slots":[{"day":9,"time":"09:00"}]}`,
	`{"type":"cycle","every":1,"unit":"month","count":12,"slots":[{"day":0,"time":"09:00"},{"day":27,"time":"09:00"}]}`,
	`{"type":"cycle","every":26,"unit":"month","count":2,"slots":[{"day":788,"time":"09:00"}]}`,

	`{"Type":"by_day","EVERY":1,"Count":1,"times":[]}`,
	`{"type":"by_day","every":0,"count":0}`,
	`{"type":"by_day","every":-1,"count":1001}`,
	`{"type":"by_day","every":1,"every":2,"count":1}`,
	`{"type":"by_day","every":1,"Every":2,"count":1}`,
	`{"type":"by_day","every":1,"count":501,"times":["08:00","12:30"]}`,
	`{"type":"by_day","every":1,"count":1,"times":["12:30","08:00","24:00"]}`,
	`{"type":"by_day","every":1,"count":1,"times":[null]}`,
	`{"type":"by_day","every":1.5,"count":1e2}`,
	`{"type":"by_day","every":9223372036854775807,"count":9223372036854775807}`,
	`{"type":"by_day","evry":1,"count":1}`,
	`{"type":"by_day","every":1,"count":1,"unit":"day","weeks":[1],"dates":["2026-03-31"],"slots":[{"day":0,"time":"09:00"}]}`,
	`{"type":"by_year","every":1,"count":1}`,
	`{"type":"custom","weeks":[2,2,-1,5201]}`,
	`{"type":"custom","weeks":[-9223372036854775808,9223372036854775807]}`,
	`{"type":"fixed_date","dates":["2026-02-29","2026-03-31","2026-03-31",""]}`,
	`{"type":"cycle","every":1,"unit":"week","count":2,"slots":[{"day":0,"time":"09:00"},{"day":7,"time":"09:00"}]}`,
	`{"type":"cycle","every":1,"unit":"month","count":12,"slots":[{"day":0,"time":"09:00"},{"day":28,"time":"09:00"}]}`,
	`{"type":"cycle","every":1,"unit":"year","count":1,"slots":[{"day":-1,"time":"09:00"},{"day":0}]}`,
	`{"type":"cycle","every":1,"unit":"week","count":1,"slots":[null,{"day":0,"day":1,"time":"09:00"},{}]}`,
	`{"type":"cycle","every":1,"unit":"week","count":1001,"slots":[]}`,
	`{"type":"cycle","every":-1,"unit":"month","count":1,"slots":[{"day":0,"time":"09:00"}]}`,
	`{"type":"custom","weeks":[1],"weeKs":[2]}`,
	`{}`, `null`, `[]`, `[{"type":"by_day","every":1,"count":1}]`, `"by_day"`, `{"type":"by_day"`, `{"":null}`,
}

func FuzzScheduleJSON(f *testing.F) {
	for _, text := range scheduleTexts {
		for _, start := range []string{"2026-01-31", "2028-02-29", "0001-01-01", "9990-12-31"} {
			f.Add([]byte(text), start)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, from string) {
		start, err := assessplan.ParseCivilDate(from)
		if err != nil {
			start = date("2026-01-31")
		}
		var read assessplan.Schedule
		if err := json.Unmarshal(text, &read); err != nil {
			if json.Valid(text) {
				require.NotEmpty(t, faultPaths(t, err))
			}
			return
		}
		require.NoError(t, read.Validate())
		requireNothingPassedOver(t, json.NewDecoder(strings.NewReader(string(text))))
		occurrences := requireOccurrences(t, read, start)

		written, err := json.Marshal(read)
		require.NoError(t, err)
		var again assessplan.Schedule
		require.NoError(t, json.Unmarshal(written, &again))
		require.Equal(t, occurrences, requireOccurrences(t, again, start))
		rewritten, err := json.Marshal(again)
		require.NoError(t, err)
		require.Equal(t, string(written), string(rewritten))
	})
}

// requireNothingPassedOver looks for what encoding/json takes in silence: null, and names that stand twice.
func requireNothingPassedOver(t *testing.T, decoder *json.Decoder) {
	t.Helper()
	token, err := decoder.Token()
	require.NoError(t, err)
	require.NotNil(t, token, "null is no value")
	if token != json.Delim('{') && token != json.Delim('[') {
		return
	}
	var names []string
	for decoder.More() {
		if token == json.Delim('{') {
			name, err := decoder.Token()
			require.NoError(t, err)
			twice := func(other string) bool { return strings.EqualFold(other, name.(string)) }
			require.False(t, slices.ContainsFunc(names, twice), "%q stands twice", name)
			names = append(names, name.(string))
		}
		requireNothingPassedOver(t, decoder)
	}
	_, err = decoder.Token()
	require.NoError(t, err)
}

// requireOccurrences returns the occurrences of a valid schedule; none, if it leaves the calendar.
func requireOccurrences(t *testing.T, schedule assessplan.Schedule, start assessplan.CivilDate) []assessplan.Occurrence {
	t.Helper()
	occurrences, err := schedule.Occurrences(start)
	if err != nil {
		require.Equal(t, []string{"start"}, faultPaths(t, err))
		require.Greater(t, start.Year+longestYears(schedule), 9999, "an end of the calendar that is not near")
		return nil
	}
	require.NotEmpty(t, occurrences)
	require.LessOrEqual(t, len(occurrences), assessplan.MaxOccurrences)
	for i, o := range occurrences {
		require.Equal(t, i+1, o.Seq)
		require.True(t, isDate(o.Date.String()), "%s", o.Date)
		require.True(t, clockFace.MatchString(o.Time.String()), "%s", o.Time)
		if i > 0 {
			before := occurrences[i-1]
			require.True(t, before.Date.Compare(o.Date) < 0 || before.Date == o.Date && before.Time < o.Time, "%s %s is not after %s %s",
				o.Date, o.Time, before.Date, before.Time)
		}
	}
	if schedule.Type != assessplan.FixedDate {
		require.GreaterOrEqual(t, occurrences[0].Date.Compare(start), 0)
	}
	return occurrences
}

// longestYears is how many years a schedule lasts at most.
func longestYears(s assessplan.Schedule) int {
	daysOf := map[assessplan.ScheduleType]int{assessplan.ByDay: 1, assessplan.ByWeek: 7, assessplan.ByMonth: 31}
	days := daysOf[s.Type] * s.Every * s.Count
	if s.Type == assessplan.Cycle {
		days = map[assessplan.CycleUnit]int{assessplan.Days: 1, assessplan.Weeks: 7, assessplan.Months: 31}[s.Unit] * s.Every * s.Count
	}
	if s.Type == assessplan.Custom {
		days = 7 * s.Weeks[len(s.Weeks)-1]
	}
	if s.Type == assessplan.FixedDate {
		return 0
	}
	return days/365 + 1
}
