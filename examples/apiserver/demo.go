package main

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"

	"github.com/assessplan/assessplan/access"
	"github.com/assessplan/assessplan/examples/internal/command"
	"github.com/assessplan/assessplan/examples/internal/demo"
)

// authenticate opens the file of tokens, or makes the token of --demo.
func (s *settings) authenticate(log *slog.Logger) (access.Authenticate, error) {
	if s.demo {
		s.token = rand.Text()
		return bearer(s.token), nil
	}
	tokens, err := access.OpenTokens(s.tokens, log)
	if err != nil {
		return nil, command.Misuse(fmt.Errorf("--tokens: %w", err))
	}
	return tokens.Authenticate, nil
}

// bearer lets in who has the one token, to do everything in the org demo.
func bearer(token string) access.Authenticate {
	return func(r *http.Request) (access.Principal, error) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+token)) != 1 {
			return access.Principal{}, access.ErrUnauthenticated
		}
		return access.Principal{Subject: "demo", Org: demo.Org, Permissions: access.Permissions()}, nil
	}
}

const tries = `
  TOKEN=$TOKEN
  curl $INSECURE-H "Authorization: Bearer $TOKEN" $SERVER/api/v1/plans
  curl $INSECURE-X POST -H "Authorization: Bearer $TOKEN" $SERVER/api/v1/plans/tasks/schedule
  grpcurl $MODE -H "authorization: Bearer $TOKEN" $ADDR assessplan.v1.TaskService/ListTasks

and browse $SERVER/api/v1/docs
`

// greet says where the server listens and, with --demo, what to try.
func (s *settings) greet(out io.Writer, addr net.Addr) {
	at := command.Reachable(addr)
	server, insecure, mode := "http://"+at, "", "-plaintext"
	if s.cert != "" {
		server, insecure, mode = "https://"+at, "-k ", "-insecure"
	}
	text := "listening on " + server + "\n"
	if s.demo {
		text += strings.NewReplacer("TOKEN=$TOKEN", "TOKEN="+s.token, "$SERVER", server, "$ADDR", at, "$INSECURE", insecure, "$MODE", mode).Replace(tries)
	}
	_, _ = io.WriteString(out, text)
}
