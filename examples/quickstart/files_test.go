package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// goodStudy is a study of which each case breaks one thing.
const goodStudy = `{
  "name": "A study",
  "org_id": "org",
  "plans": [
    {
      "external_ref": "a",
      "scale_code": "PHQ8",
      "zone": "Europe/London",
      "schedule": {
        "type": "by_day",
        "every": 14,
        "count": 2,
        "times": ["09:30"]
      },
      "fill_window": "3d",
      "pause": {
        "after_days": 1,
        "days": 2,
        "resume": "keep_dates"
      }
    }
  ]
}
`

func TestABadStudyIsNamedByLineAndField(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		says           string // after the path of the file
	}{
		{"empty", goodStudy, " \n", ": is empty"},
		{"not JSON", `"org_id": "org",`, `"org_id" "org",`, ":3: is not JSON: "},
		{"cut off", "  ]\n}", "", ":21: is not JSON: unexpected end of JSON input"},
		{"two documents", "  ]\n}\n", "  ]\n}\n{}\n", ":24: is not JSON: "},
		{"a list", goodStudy, "[]", ":1: is a JSON array; want an object"},
		{"unknown field", `"name": "A study"`, `"title": "A study"`, ":2: title: is not a field that is known here"},
		{"name in capitals", `"zone"`, `"Zone"`, ":8: plans[0].Zone: is not a field that is known here"},
		{"unknown field of a schedule", `"every": 14`, `"evry": 14`, ":11: plans[0].schedule.evry: is not a field that is known here"},
		{"repeated field", `"count": 2`, `"every": 2`, ":12: plans[0].schedule.every: is given twice"},
		{"text for a number", `"every": 14`, `"every": "14"`, ":11: plans[0].schedule.every: is a JSON string; want a whole number"},
		{"part of a day", `"every": 14`, `"every": 1.5`, ":11: plans[0].schedule.every: is a JSON number 1.5; want a whole number"},
		{"number for text", `"PHQ8"`, `8`, ":7: plans[0].scale_code: is a JSON number; want text"},
		{"number for a window", `"3d"`, `3`, `:15: plans[0].fill_window: is a JSON number; want text`},
		{"object for a list", `["09:30"]`, `{}`, ":13: plans[0].schedule.times: is a JSON object; want a list"},
		{"bad time", `["09:30"]`, `["08:00", "9:30"]`, `:13: plans[0].schedule.times[1]: is "9:30"; want a time of day such as 09:30`},
		{"bad window", `"3d"`, `"3 days"`, `:15: plans[0].fill_window: is "3 days"; want calendar days such as 3d`},
		{"bad zone", "Europe/London", "Europe/Londn", `:8: plans[0].zone: is "Europe/Londn"; want a name of the IANA time zone database`},
		{"bad value", `"every": 14`, `"every": 0`, ":11: plans[0].schedule.every: is 0; want 1 to 3660"},
		{"missing value", `"zone": "Europe/London",`, "", `:5: plans[0].zone: is ""; want a name of the IANA`},
		{"missing org", `"org_id": "org",`, "", ":1: org_id: is empty"},
		{"no plans", goodStudy, `{"org_id": "org"}`, ":1: plans: is missing or empty"},
		{"no ref", `"external_ref": "a",`, "", ":5: plans[0].external_ref: is missing"},
		{"a pause of no days", `"days": 2`, `"days": 0`, ":18: plans[0].pause.days: is 0; want 1 to 3660"},
		{"unknown resume", "keep_dates", "later", `:19: plans[0].pause.resume: is "later"; want keep_dates or shift_dates`},
		{"a bad start", `"fill_window"`, `"start_after_days": -1, "fill_window"`, ":15: plans[0].start_after_days: is -1; want 0 to 3660"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Contains(t, goodStudy, c.old)
			file := write(t, "study.json", strings.Replace(goodStudy, c.old, c.new, 1))
			code, stdout, stderr := runWith(t, "--study", file)
			require.Equal(t, exitUsage, code)
			require.Empty(t, stdout)
			require.True(t, strings.HasPrefix(stderr, file+c.says), "got  %s\nwant %s", stderr, file+c.says)
			require.Equal(t, 1, strings.Count(stderr, "\n"), "one fault, one line: %s", stderr)
		})
	}
}

func TestEveryFaultOfAStudyIsNamedAtOnce(t *testing.T) {
	broken := strings.NewReplacer(`"every": 14`, `"every": 0`, `"days": 2`, `"days": 0`, "Europe/London", "Mars").Replace(goodStudy)
	_, err := parseStudy("s.json", []byte(broken))
	require.ErrorContains(t, err, "s.json:18: plans[0].pause.days")
	require.ErrorContains(t, err, "s.json:11: plans[0].schedule.every")
	require.ErrorContains(t, err, "s.json:8: plans[0].zone")
}

func TestABadTesteesFileIsNamedByLineAndField(t *testing.T) {
	const header = "testee_id,zone,start\n"
	for _, c := range []struct{ name, content, says string }{
		{"empty", "", ": is empty"},
		{"no header", "T1,UTC,2026-01-12\n", ":1: header: is missing or another; want testee_id,zone,start"},
		{"nobody", header, ": has a header but no testees"},
		{"one column", header + "T1\n", ":2: row: has 1 column; want 3: testee_id,zone,start"},
		{"too few columns", header + "T1,UTC\n", ":2: row: has 2 columns; want 3: testee_id,zone,start"},
		{"too many columns", header + "T1,UTC,2026-01-12,x\n", ":2: row: has 4 columns; want 3"},
		{"bad date", header + "T1,UTC,2026-01-12\nT2,UTC,12.1.2026\n", `:3: start: is "12.1.2026"; want a day of the calendar`},
		{"bad zone", header + "T1,Local,2026-01-12\n", `:2: zone: is "Local"; want a name of the IANA time zone database`},
		{"no testee", header + ",UTC,2026-01-12\n", ":2: testee_id: is empty"},
		{"long testee", header + strings.Repeat("x", 129) + ",UTC,2026-01-12\n", ":2: testee_id: has 129 bytes; the most is 128"},
		{"twice", header + "T1,UTC,2026-01-12\nT2,UTC,2026-01-12\nT1,UTC,2026-01-19\n", ":4: testee_id: is already on line 2"},
		{"open quote", header + "\"T1,UTC,2026-01-12\n", ":2: column "},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := write(t, "testees.csv", c.content)
			code, stdout, stderr := runWith(t, "--testees", file)
			require.Equal(t, exitUsage, code)
			require.Empty(t, stdout)
			require.True(t, strings.HasPrefix(stderr, file+c.says), "got  %s\nwant %s", stderr, file+c.says)
		})
	}
}

func TestOnlyTheFirstFaultsOfAWrongFileAreNamed(t *testing.T) {
	_, err := parseTestees("t.csv", []byte("testee_id,zone,start\n"+strings.Repeat("x,Mars\n", 25)))
	require.ErrorContains(t, err, "t.csv: and 15 more faults")
	require.Equal(t, 10, strings.Count(err.Error(), "\n"))
}

func TestFilesOfSpreadsheetsAreRead(t *testing.T) {
	const bom = "\xef\xbb\xbf"
	study := write(t, "study.json", bom+strings.ReplaceAll(goodStudy, "\n", "\r\n"))
	testees := write(t, "testees.csv", bom+"testee_id,zone,start\r\n\"T1\",,2026-01-12\r\n\r\nT2,Asia/Kolkata,2026-01-13\r\n")
	r := mustRunJSON(t, "--study", study, "--testees", testees)
	require.Equal(t, 4, r.Planned)
	require.Equal(t, "2026-01-12", r.From)
}
