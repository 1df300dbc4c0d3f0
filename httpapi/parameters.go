package httpapi

import (
	"errors"
	"slices"
	"strings"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/httpapi/internal/param"
)

// parsed reads a parameter that may be left out.
func parsed[T any](name, given string, parse func(string) (T, error), into *T) error {
	if given == "" {
		return nil
	}
	value, err := parse(given)
	if err != nil {
		return malformed(name, err)
	}
	if z, ok := any(value).(interface{ IsZero() bool }); ok && z.IsZero() {
		return assessplan.Invalid(name, "is zero, which names none; leave it out or give one") // a filter would let everything through
	}
	*into = value
	return nil
}

// malformed is the fault of a parameter that the library could not read.
func malformed(name string, err error) error {
	var fault *assessplan.ValidationError
	if errors.As(err, &fault) {
		return assessplan.Invalid(name, "%s", fault.Faults[0].Message)
	}
	return assessplan.Invalid(name, "%s", assessplan.PublicMessage(err))
}

// limit returns how many records a page is asked to have.
func limit(p param.Page) (int, error) {
	n, ok := p.MostRecords()
	if !ok {
		return 0, assessplan.Invalid("limit", "is no number from 1 on")
	}
	return n, nil
}

// oneOf reads words of which each must be known.
func oneOf[W ~string](name string, given []string, known ...W) (words []W, err error) {
	for _, text := range given {
		word := W(text)
		if !slices.Contains(known, word) {
			all := make([]string, len(known))
			for i, one := range known {
				all[i] = string(one)
			}
			return nil, assessplan.Invalid(name, "is none of %s", strings.Join(all, ", "))
		}
		words = append(words, word)
	}
	return words, nil
}

// next is the cursor of the next page, empty for none.
func next[I interface {
	IsZero() bool
	String() string
}](last I) string {
	if last.IsZero() {
		return ""
	}
	return last.String()
}
