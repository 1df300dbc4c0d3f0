package assessplan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// UnmarshalJSON refuses unknown and repeated fields, names in another case, null, and a schedule that is not valid: a slip in a
// file that says when people are asked must not become a default.
func (s *Schedule) UnmarshalJSON(b []byte) error {
	read := Schedule{}
	f := faults{}
	f.object("schedule", "", b, map[string]jsonReader{
		"type":  one(&read.Type, "text such as by_day"),
		"every": one(&read.Every, wholeNumber),
		"unit":  one(&read.Unit, "text such as week"),
		"count": one(&read.Count, wholeNumber),
		"weeks": list(&read.Weeks, func(week *int) jsonReader { return one(week, wholeNumber) }),
		"dates": list(&read.Dates, func(date *CivilDate) jsonReader { return one(date, "a date such as 2026-03-31") }),
		"slots": list(&read.Slots, func(slot *Slot) jsonReader { return slot.read }),
		"times": list(&read.Times, func(at *TimeOfDay) jsonReader { return one(at, clockText) }),
	})
	if err := f.Err(); err != nil {
		return err
	}
	if err := read.Validate(); err != nil {
		return err
	}
	*s = read
	return nil
}

// UnmarshalJSON refuses unknown and repeated fields, null, and a slot without its day or its time.
func (s *Slot) UnmarshalJSON(b []byte) error {
	read := Slot{}
	f := faults{}
	read.fields(&f, "slot", "", b)
	if err := f.Err(); err != nil {
		return err
	}
	*s = read
	return nil
}

func (s *Slot) read(f *faults, path string, raw json.RawMessage) { s.fields(f, path, path, raw) }

func (s *Slot) fields(f *faults, self, inside string, raw json.RawMessage) {
	given, ok := f.object(self, inside, raw, map[string]jsonReader{"day": one(&s.Day, wholeNumber), "time": one(&s.Time, clockText)})
	if ok && !given["day"] {
		f.Add(joinPath(inside, "day"), "is missing; give the days after the first day of the cycle, from 0")
	}
	if ok && !given["time"] {
		f.Add(joinPath(inside, "time"), "is missing; give a time of day such as 09:30")
	}
}

const (
	wholeNumber = "a whole number, without a fraction or an exponent"
	clockText   = "a time of day such as 09:30"
)

// jsonReader reads a value that is not null, or says what is wrong with it.
type jsonReader func(f *faults, path string, raw json.RawMessage)

// object reads an object by the names of its fields, which must be spelt as they are here, and returns those that were given.
// Its own faults go to self, those of its fields are inside.
func (f *faults) object(self, inside string, raw json.RawMessage, fields map[string]jsonReader) (given map[string]bool, ok bool) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	switch begin, _ := decoder.Token(); {
	case !json.Valid(raw):
		f.Add(self, "is not valid JSON")
		return nil, false
	case begin != json.Delim('{'):
		f.Add(self, "is %s; want an object", shown(raw))
		return nil, false
	}
	given = map[string]bool{}
	for decoder.More() && len(f.Faults) < mostFaults {
		token, _ := decoder.Token()
		name, _ := token.(string)
		var value json.RawMessage
		_ = decoder.Decode(&value) // which is valid
		read, known := fields[name]
		path := joinPath(inside, clipped(name))
		switch {
		case !known:
			f.Add(path, "is not a field that is known here")
		case given[name]:
			f.Add(path, "is given twice")
		default:
			f.value(path, value, read)
		}
		given[name] = true
	}
	return given, true
}

func (f *faults) value(path string, raw json.RawMessage, read jsonReader) {
	if string(raw) == "null" {
		f.Add(path, "is null; leave it out or give a value")
		return
	}
	read(f, path, raw)
}

// one reads a value by itself; what it wants is said of any other.
func one[T any](into *T, want string) jsonReader {
	return func(f *faults, path string, raw json.RawMessage) {
		var named *ValidationError
		switch err := json.Unmarshal(raw, into); {
		case errors.As(err, &named):
			for _, fault := range named.Faults {
				f.Add(path, "%s", fault.Message)
			}
		case err != nil:
			f.Add(path, "is %s; want %s", shown(raw), want)
		}
	}
}

// list reads a list, each value in its place.
func list[T any](into *[]T, read func(*T) jsonReader) jsonReader {
	return func(f *faults, path string, raw json.RawMessage) {
		var values []json.RawMessage
		if json.Unmarshal(raw, &values) != nil {
			f.Add(path, "is %s; want a list", shown(raw))
			return
		}
		if len(values) > MaxOccurrences {
			f.Add(path, "has %d values; the most is %d", len(values), MaxOccurrences)
			return
		}
		all := make([]T, len(values))
		for i, value := range values {
			f.value(fmt.Sprintf("%s[%d]", path, i), value, read(&all[i]))
		}
		if len(all) > 0 {
			*into = all
		}
	}
}

// shown is a JSON value in a message: a number as it is, of anything else what it is.
func shown(raw json.RawMessage) string {
	switch raw[0] {
	case '"':
		return "text"
	case '{':
		return "an object"
	case '[':
		return "a list"
	}
	return clipped(string(raw))
}

// clipped cuts text to a length that a message bears.
func clipped(s string) string {
	const most = 40
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}
