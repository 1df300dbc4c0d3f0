package grpcapi_test

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	"github.com/assessplan/assessplan/grpcapi"
	"github.com/assessplan/assessplan/memstore"
	"github.com/assessplan/assessplan/plantest"
)

// Who calls, by token.
const (
	boss     = "boss-token-of-the-clinic" // may everything in the clinic
	discreet = "discreet-token-of-clinic" // may everything but see entries
	stranger = "stranger-token-elsewhere" // may everything in another org
	root     = "root-token-of-all-orgs-1" // may everything in all orgs
)

func principals() map[string]access.Principal {
	return map[string]access.Principal{
		boss:     {Subject: "boss", Org: plantest.Org, Permissions: access.Permissions()},
		discreet: {Subject: "discreet", Org: plantest.Org, Permissions: []access.Permission{access.Read, access.Manage, access.Schedule, access.Submit}},
		stranger: {Subject: "stranger", Org: "elsewhere", Permissions: access.Permissions()},
		root:     {Subject: "root", AllOrgs: true, Permissions: access.Permissions()},
	}
}

// world is a service behind a real listener.
type world struct {
	clock   *clock.Mock
	service *assessplan.Service
	handler http.Handler
	server  *httptest.Server
	logs    *logs
	grumble *logs // of net/http
}

// setting is what a test changes of the world.
type setting struct {
	store   assessplan.Store
	entries assessplan.EntryGenerator
	service assessplan.Config
	config  grpcapi.Config
	tls     bool
}

func newWorld(t testing.TB, tweaks ...func(*setting)) *world {
	w := &world{clock: plantest.NewClock(), logs: &logs{}, grumble: &logs{}}
	log := slog.New(slog.NewJSONHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	signed, err := assessplan.NewSignedEntryGenerator("https://fill.example.org/", []assessplan.SigningKey{{ID: "k1", Secret: bytes.Repeat([]byte("s"), 32)}}, nil)
	require.NoError(t, err)
	s := setting{
		store: memstore.New(), entries: signed,
		service: assessplan.Config{Clock: w.clock, Logger: log},
		config:  grpcapi.Config{Authenticate: byToken(principals()), Clock: w.clock, Logger: log},
	}
	for _, tweak := range tweaks {
		tweak(&s)
	}
	w.service, err = assessplan.New(s.store, s.entries, &s.service)
	require.NoError(t, err)
	w.handler, err = grpcapi.Handler(w.service, &s.config)
	require.NoError(t, err)
	w.server = httptest.NewUnstartedServer(w.handler)
	w.server.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(w.grumble, nil), slog.LevelError)
	if s.tls {
		w.server.EnableHTTP2 = true
		w.server.StartTLS()
	} else {
		w.server.Config.Protocols = protocols(true, true)
		w.server.Start()
	}
	t.Cleanup(w.server.Close)
	return w
}

func protocols(http1, h2c bool) *http.Protocols {
	p := &http.Protocols{}
	p.SetHTTP1(http1)
	p.SetUnencryptedHTTP2(h2c)
	return p
}

// byToken authenticates by the bearer token of a request.
func byToken(known map[string]access.Principal) access.Authenticate {
	return func(r *http.Request) (access.Principal, error) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		principal, ok := known[token]
		if !ok {
			return access.Principal{}, access.ErrUnauthenticated
		}
		return principal, nil
	}
}

// transports are the ways to call a world, each of which brings its own world.
func transports() map[string]func(t *testing.T, tweaks ...func(*setting)) (*world, *client) {
	overTLS := func(s *setting) { s.tls = true }
	return map[string]func(t *testing.T, tweaks ...func(*setting)) (*world, *client){
		"grpc-go over h2c": func(t *testing.T, tweaks ...func(*setting)) (*world, *client) {
			w := newWorld(t, tweaks...)
			return w, w.grpc(t)
		},
		"grpc-go over TLS": func(t *testing.T, tweaks ...func(*setting)) (*world, *client) {
			w := newWorld(t, append(tweaks, overTLS)...)
			return w, w.grpc(t)
		},
		"connect's gRPC over h2c": func(t *testing.T, tweaks ...func(*setting)) (*world, *client) {
			w := newWorld(t, tweaks...)
			return w, w.connect(t, protocols(false, true), connect.WithGRPC())
		},
		"gRPC-Web over HTTP/1.1": func(t *testing.T, tweaks ...func(*setting)) (*world, *client) {
			w := newWorld(t, tweaks...)
			return w, w.connect(t, protocols(true, false), connect.WithGRPCWeb())
		},
		"connect's JSON over HTTP/1.1": func(t *testing.T, tweaks ...func(*setting)) (*world, *client) {
			w := newWorld(t, tweaks...)
			return w, w.connect(t, protocols(true, false), connect.WithProtoJSON())
		},
		"connect over TLS": func(t *testing.T, tweaks ...func(*setting)) (*world, *client) {
			w := newWorld(t, append(tweaks, overTLS)...)
			return w, &client{http: w.server.Client(), url: w.server.URL}
		},
	}
}

func (w *world) grpc(t testing.TB) *client {
	secure := insecure.NewCredentials()
	if w.server.TLS != nil {
		pool := w.server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
		secure = credentials.NewTLS(&tls.Config{RootCAs: pool, ServerName: "example.com"})
	}
	conn, err := grpc.NewClient(w.server.Listener.Addr().String(), grpc.WithTransportCredentials(secure))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return &client{grpc: conn}
}

func (w *world) connect(t *testing.T, speaks *http.Protocols, options ...connect.ClientOption) *client {
	transport := &http.Transport{Protocols: speaks}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{http: &http.Client{Transport: transport}, url: w.server.URL, options: options}
}

// due moves the clock to half past nine of the zone, when the first tasks of the day are due.
func (w *world) due() { w.clock.Set(plantest.Morning().Add(90 * time.Minute)) }

// logs keeps what was logged. It is safe for concurrent use.
type logs struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
