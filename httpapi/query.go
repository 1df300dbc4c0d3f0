package httpapi

import (
	"net/url"

	"github.com/assessplan/assessplan"
)

// checkQuery refuses a query in which anything would be passed over: what cannot be read, which net/url leaves out in silence, a
// parameter that is unknown, and one that is given twice or empty, as an unset variable of a script leaves it. A pass without its
// bounds would run over everything.
func checkQuery(raw string, known map[string]bool) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return assessplan.Invalid("query", "cannot be read; separate parameters by &, and write %%, ; and the like with percent signs")
	}
	for name, values := range query {
		switch {
		case !known[name]:
			return assessplan.Invalid(short(name), "is not a query parameter that is known here")
		case len(values) > 1:
			return assessplan.Invalid(name, "is given more than once; for several values, separate them by commas")
		case values[0] == "":
			return assessplan.Invalid(name, "is empty; leave it out or give a value")
		}
	}
	return nil
}
