package access

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/assessplan/assessplan"
)

var (
	// ErrUnauthenticated says that a request has no credentials, or wrong ones. Which of the two is not said.
	ErrUnauthenticated = errors.New("give valid credentials")
	// ErrForbidden says that a principal lacks a permission.
	ErrForbidden = errors.New("forbidden")
	// ErrTooMany says that a client calls too often.
	ErrTooMany = errors.New("too many requests; try again later")
)

// ForbiddenError names the permission that a principal lacks. It matches [ErrForbidden].
type ForbiddenError struct{ Needed Permission }

func (e *ForbiddenError) Error() string { return fmt.Sprintf("this needs the permission %q", e.Needed) }

// Is reports whether target is [ErrForbidden].
func (e *ForbiddenError) Is(target error) bool { return target == ErrForbidden }

// TooManyError says after how long a client may call again. It matches [ErrTooMany].
type TooManyError struct{ Wait time.Duration }

func (e *TooManyError) Error() string { return ErrTooMany.Error() }

// Is reports whether target is [ErrTooMany].
func (e *TooManyError) Is(target error) bool { return target == ErrTooMany }

// RetryAfter is the value of the header of this name: whole seconds, rounded up, at least 1 (RFC 9110, section 10.2.3).
func (e *TooManyError) RetryAfter() string {
	return strconv.Itoa(max(1, int((e.Wait+time.Second-1)/time.Second)))
}

// The codes that requests have beside those of [assessplan.CodeOf].
const (
	CodeUnauthenticated = "unauthenticated"
	CodeForbidden       = "forbidden"
	CodeRateLimited     = "rate_limited"
)

// CodeOf returns the stable word for what is wrong with a request: one of this package's, or that of [assessplan.CodeOf].
func CodeOf(err error) string {
	switch {
	case errors.Is(err, ErrUnauthenticated):
		return CodeUnauthenticated
	case errors.Is(err, ErrForbidden):
		return CodeForbidden
	case errors.Is(err, ErrTooMany):
		return CodeRateLimited
	}
	return assessplan.CodeOf(err)
}

// PublicMessage returns what a transport may tell its caller of an error of this package or of the library's, as
// [assessplan.PublicMessage] does.
func PublicMessage(err error) string {
	var forbidden *ForbiddenError
	if errors.As(err, &forbidden) {
		return forbidden.Error()
	}
	for _, own := range []error{ErrUnauthenticated, ErrForbidden, ErrTooMany} {
		if errors.Is(err, own) {
			return own.Error()
		}
	}
	return assessplan.PublicMessage(err)
}
