package assessplan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// UnmarshalJSON refuses unknown and repeated fields, null, and a schedule that is not valid: a slip in a file that says when
// people are asked must not become a default.
func (s *Schedule) UnmarshalJSON(b []byte) error {
	type plain Schedule
	var read struct {
		plain
		Slots []json.RawMessage `json:"slots"` // one by one, so that a fault names its slot
	}
	if err := decodeStrictly(b, "schedule", &read); err != nil {
		return err
	}
	f := faults{}
	slots := make([]Slot, len(read.Slots))
	for i, slot := range read.Slots {
		f.within(fmt.Sprintf("slots[%d]", i), slots[i].UnmarshalJSON(slot))
	}
	if err := f.err(); err != nil {
		return err
	}
	*s = Schedule(read.plain)
	if len(slots) > 0 {
		s.Slots = slots
	}
	return s.Validate()
}

// UnmarshalJSON refuses unknown fields, and a slot without its day or its time.
func (s *Slot) UnmarshalJSON(b []byte) error {
	var read struct {
		Day  *int       `json:"day"`
		Time *TimeOfDay `json:"time"`
	}
	if err := decodeStrictly(b, "slot", &read); err != nil {
		return err
	}
	f := faults{}
	if read.Day == nil {
		f.add("day", "is missing; give the days after the first day of the cycle, from 0")
	}
	if read.Time == nil {
		f.add("time", "is missing; give a time of day such as 09:30")
	}
	if err := f.err(); err != nil {
		return err
	}
	*s = Slot{Day: *read.Day, Time: *read.Time}
	return nil
}

// decodeStrictly is json.Unmarshal for a value in which nothing is passed over.
func decodeStrictly(b []byte, path string, into any) error {
	if bytes.Equal(b, []byte("null")) {
		return invalid(path, "is null; leave it out or give a value")
	}
	if err := plainJSON(json.NewDecoder(bytes.NewReader(b)), "", deepest); err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	var named *ValidationError
	if err == nil || errors.As(err, &named) {
		return err
	}
	return invalid(path, "cannot be read: %v", err)
}

// deepest is how many lists and objects may lie in each other; a schedule with slots needs three. Paths grow with the depth:
// without a limit, a small file makes large ones.
const deepest = 5

// plainJSON refuses a value in which a name stands twice, of which encoding/json would take the last in silence, without
// regard to case, or null, which it would take for zero. What is no JSON it leaves to encoding/json.
func plainJSON(decoder *json.Decoder, path string, depth int) error {
	token, err := decoder.Token()
	switch {
	case depth == 0:
		return invalid(path, "is nested too deeply")
	case err != nil:
		return nil //nolint:nilerr // encoding/json says it better
	case token == nil:
		return invalid(path, "is null; leave it out or give a value")
	case token == json.Delim('['):
		for i := 0; decoder.More(); i++ {
			if err := plainJSON(decoder, fmt.Sprintf("%s[%d]", path, i), depth-1); err != nil {
				return err
			}
		}
	case token == json.Delim('{'):
		if err := plainFields(decoder, path, depth); err != nil {
			return err
		}
	default:
		return nil
	}
	_, _ = decoder.Token() // the closing bracket
	return nil
}

func plainFields(decoder *json.Decoder, path string, depth int) error {
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil //nolint:nilerr // encoding/json says it better
		}
		field := name
		if path != "" {
			field = joinPath(path, name)
		}
		if seen[folded(name)] {
			return invalid(field, "is given twice")
		}
		seen[folded(name)] = true
		if err := plainJSON(decoder, field, depth-1); err != nil {
			return err
		}
	}
	return nil
}

// folded is the same for two names that encoding/json takes for one: "weeks", "WEEKS", and "weeKs" with the sign for kelvin.
func folded(name string) string {
	return strings.Map(func(r rune) rune {
		for next := unicode.SimpleFold(r); next > r; next = unicode.SimpleFold(r) {
			r = next
		}
		return unicode.SimpleFold(r) // the least of those that are alike
	}, name)
}
