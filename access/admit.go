package access

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/assessplan/assessplan"
)

// Authenticate tells who makes a request. It returns [ErrUnauthenticated], or an error that wraps it, for a request whose
// credentials are missing or wrong; any other error says that it could not find out. It is called by several goroutines at
// once, and must not take credentials from the URL, which ends up in logs.
type Authenticate = func(r *http.Request) (Principal, error)

// Anonymous takes everybody for one principal: for a network in which everybody may do what it may.
func Anonymous(p Principal) Authenticate {
	return func(*http.Request) (Principal, error) { return p, nil }
}

// TokenDecides stands for the permission of a call that needs none, because the token of an entry decides.
const TokenDecides Permission = ""

// Admit returns who makes a request, and an error if it may not go on: [ErrUnauthenticated], a [ForbiddenError], or
// [assessplan.ErrUnavailable] where authenticate could not find out. With [TokenDecides], a request without an Authorization
// header is let in as nobody, and authenticate is not asked: a testee has a link and no credentials, and must get in while
// a directory is down. Credentials that are given must be right.
func Admit(authenticate Authenticate, r *http.Request, needed Permission) (Principal, error) {
	nobody := Principal{Subject: "anonymous"}
	if needed == TokenDecides && len(r.Header.Values("Authorization")) == 0 {
		return nobody, nil
	}
	who, err := authenticate(r)
	switch {
	case errors.Is(err, ErrUnauthenticated):
		return nobody, err
	case err != nil:
		return nobody, fmt.Errorf("authenticate: %w: %w", assessplan.ErrUnavailable, err)
	case needed == TokenDecides:
		return who, nil
	}
	return who, who.Check(needed)
}

// RequestID takes over the ID that a client gave its request, if it is fit for logs: 1 to 64 of A-Z, a-z, 0-9 and -_. in a row.
// Otherwise it makes one.
func RequestID(given string) string {
	const most = 64
	unfit := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.'
	}
	if given == "" || len(given) > most || strings.IndexFunc(given, unfit) >= 0 {
		return rand.Text()
	}
	return given
}
