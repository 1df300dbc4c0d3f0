package access_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
)

func TestWhoIsLetIn(t *testing.T) {
	down := errors.New("the directory is down")
	authenticate := func(r *http.Request) (access.Principal, error) {
		switch r.Header.Get("Authorization") {
		case "staff":
			return staff, nil
		case "asks the directory":
			return access.Principal{}, down
		}
		return access.Principal{}, fmt.Errorf("guess: %w", access.ErrUnauthenticated)
	}
	const nobody = "anonymous"
	for name, test := range map[string]struct {
		headers []string
		needed  access.Permission
		subject string
		err     error
	}{
		"a principal that may":               {[]string{"staff"}, access.Read, "staff", nil},
		"a principal that may not":           {[]string{"staff"}, access.Manage, "staff", access.ErrForbidden},
		"nobody":                             {nil, access.Read, nobody, access.ErrUnauthenticated},
		"a guess":                            {[]string{"guess"}, access.Read, nobody, access.ErrUnauthenticated},
		"who cannot be asked about":          {[]string{"asks the directory"}, access.Read, nobody, assessplan.ErrUnavailable},
		"nobody with a token":                {nil, access.TokenDecides, nobody, nil},
		"a principal with a token":           {[]string{"staff"}, access.TokenDecides, "staff", nil},
		"a guess with a token":               {[]string{"guess"}, access.TokenDecides, nobody, access.ErrUnauthenticated},
		"an empty header with a token":       {[]string{""}, access.TokenDecides, nobody, access.ErrUnauthenticated},
		"an empty header before credentials": {[]string{"", "staff"}, access.TokenDecides, nobody, access.ErrUnauthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			who, err := access.Admit(authenticate, request(test.headers...), test.needed)
			require.ErrorIs(t, err, test.err)
			require.Equal(t, test.subject, who.Subject)
			require.NotContains(t, access.PublicMessage(err), "directory")
		})
	}
}

func TestErrorsHaveAWordAndASentence(t *testing.T) {
	for _, test := range []struct {
		err           error
		code, message string
	}{
		{nil, "", ""},
		{access.ErrUnauthenticated, "unauthenticated", "give valid credentials"},
		{&access.ForbiddenError{Needed: access.Submit}, "forbidden", `this needs the permission "submit"`},
		{access.ErrForbidden, "forbidden", "forbidden"},
		{assessplan.ErrEntryInvalid, "entry_invalid", "this link is not valid"},
		{errors.New("pq: no such table"), "internal", "internal error"},
	} {
		require.Equal(t, test.code, access.CodeOf(test.err))
		require.Equal(t, test.message, access.PublicMessage(test.err))
		if test.err != nil {
			require.Equal(t, test.code, access.CodeOf(fmt.Errorf("secret: %w", test.err)))
			require.Equal(t, test.message, access.PublicMessage(fmt.Errorf("secret: %w", test.err)))
		}
	}
}

func TestARequestKeepsAnIDThatIsFitForLogs(t *testing.T) {
	for _, fit := range []string{"a", "trace-7.a_B", strings.Repeat("x", 64)} {
		require.Equal(t, fit, access.RequestID(fit))
	}
	for _, unfit := range []string{"", "two words", "line\nbreak", "\xff", "ä", `"`, strings.Repeat("x", 65)} {
		made := access.RequestID(unfit)
		require.NotEqual(t, unfit, made)
		require.NotEqual(t, made, access.RequestID(unfit))
	}
}
