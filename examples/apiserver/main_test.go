package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/assessplan/assessplan/access"
	"github.com/assessplan/assessplan/examples/internal/command"
	"github.com/assessplan/assessplan/grpcapi/assessplanv1"
)

func TestBadFlagsSayWhatWouldBeRight(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("tokens", []byte(lines), 0o600))
	require.NoError(t, os.WriteFile("rubbish", []byte("short demo read\n"), 0o600))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	good := []string{"--tokens", "tokens", "--base-url", "https://assess.example.org/fill", "--addr", "127.0.0.1:0"}
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"no tokens":                 {[]string{"--base-url", "https://a.example"}, "openssl rand -base64 32"},
		"tokens and a demo":         {append(good, "--demo"), "leave out --tokens"},
		"a file of tokens is not":   {append(good, "--tokens", "nowhere"), "--tokens: open nowhere"},
		"tokens that are none":      {append(good, "--tokens", "rubbish"), "line 1"},
		"no base URL":               {[]string{"--tokens", "tokens"}, "--base-url is missing"},
		"a base URL that is none":   {append(good, "--base-url", "ftp://a.example"), "--base-url: "},
		"a base URL without TLS":    {append(good, "--base-url", "http://a.example"), "--base-url: "},
		"an unknown store":          {append(good, "--store", "oracle://a"), "--store: this is no store"},
		"a file without a name":     {append(good, "--store", "sqlite:"), "--store: this is no store"},
		"an empty store":            {append(good, "--store", ""), "--store: this is no store"},
		"a folder that is not":      {append(good, "--store", "sqlite:nowhere/plans.db"), "--store: "},
		"a URL that is none":        {append(good, "--store", "postgres://a:b:c/d"), "--store: "},
		"MySQL without a database":  {append(good, "--store", "mysql://root@127.0.0.1"), "want mysql://"},
		"a server that is not":      {append(good, "--store", "postgres://root:hidden@127.0.0.1:1/x"), "unavailable"},
		"a key without certificate": {append(good, "--tls-key", "key.pem"), "go together"},
		"a certificate that is not": {append(good, "--tls-cert", "cert.pem", "--tls-key", "key.pem"), "cert.pem"},
		"a negative number":         {append(good, "--seed-due", "-1"), "--seed-due is -1"},
		"too many":                  {append(good, "--seed-due", "1000001"), "want 0 to 1000000"},
		"a rate that is none":       {append(good, "--resolve-rate", "-2"), "--resolve-rate is -2"},
		"a zone that is none":       {append(good, "--zone", "Mars/Olympus"), "--zone is"},
		"an address that is none":   {append(good, "--addr", "here"), "--addr: address here: missing port in address; want HOST:PORT such as 127.0.0.1:8080"},
		"an address that is taken":  {append(good, "--addr", taken.Addr().String()), "--addr: "},
		"an argument too many":      {append(good, "memory"), `"memory"`},
		"a flag that is none":       {append(good, "--stores", "memory"), "-stores"},
	} {
		t.Run(name, func(t *testing.T) {
			err := run(t.Context(), test.args, &bytes.Buffer{}, &bytes.Buffer{})
			require.ErrorContains(t, err, test.says)
			require.NotContains(t, err.Error(), "hidden")
		})
	}
}

func TestTheExitCodeTellsWhoseFaultItWas(t *testing.T) {
	good := "--tokens " + tokensFile(t) + " --base-url https://assess.example.org/fill --addr 127.0.0.1:0 "
	for args, code := range map[string]int{
		"-h": command.Done, "--stores memory": command.Misused, "": command.Misused, good + "--store oracle:": command.Misused,
		good + "--base-url ftp://a": command.Misused, good + "--addr 8080": command.Misused, good + "--tokens nowhere": command.Misused,
		good + "--store sqlite:nowhere/plans.db": command.Failed,
	} {
		err := run(t.Context(), strings.Fields(args), &bytes.Buffer{}, &bytes.Buffer{})
		require.Equal(t, code, command.End("apiserver", err, &bytes.Buffer{}), args)
	}
}

func TestTheDemoSaysWhatToTry(t *testing.T) {
	s := start(t, "--demo")
	status, _, err := s.ask("guess", "POST", "/api/v1/plans/tasks/schedule", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusUnauthorized, status)
	s.stop()

	text := &bytes.Buffer{}
	demo := settings{demo: true, token: "ABC"}
	demo.greet(text, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80})
	require.Contains(t, text.String(), "TOKEN=ABC")
	(&settings{}).greet(text, &net.TCPAddr{IP: net.IPv6unspecified, Port: 8089})
	require.Contains(t, text.String(), "listening on http://localhost:8089\n")
	require.Contains(t, text.String(), `-H "Authorization: Bearer $TOKEN" http://127.0.0.1:80/api/v1/plans/tasks/schedule`)
}

func TestTokensAreRotatedWhileTheServerRuns(t *testing.T) {
	const next = "the-next-token-of-the-org-demo"
	file := tokensFile(t)
	s := start(t, "--tokens", file)
	for _, step := range []struct {
		name, content    string
		old, young, none int
	}{
		{"as it began", lines, http.StatusOK, http.StatusUnauthorized, http.StatusUnauthorized},
		{"both", lines + next + " demo read\n", http.StatusOK, http.StatusOK, http.StatusUnauthorized},
		{"a fault is not taken", "rubbish\n", http.StatusOK, http.StatusOK, http.StatusUnauthorized},
		{"the new one", next + " demo read\n", http.StatusUnauthorized, http.StatusOK, http.StatusUnauthorized},
	} {
		require.NoError(t, os.WriteFile(file+".new", []byte(step.content), 0o600))
		require.NoError(t, os.Rename(file+".new", file))
		for bearer, want := range map[string]int{token: step.old, next: step.young, "": step.none} {
			status, answer, err := s.ask(bearer, "GET", "/api/v1/plans", nil)
			require.NoError(t, err)
			require.Equal(t, want, status, "%s: %v", step.name, answer)
		}
	}
	s.stop()
	require.Contains(t, s.log.String(), "changed tokens file is not taken")
	require.NotContains(t, s.log.String(), next)
}

func TestOverTLS(t *testing.T) {
	cert, key, pool := certificate(t)
	s := start(t, "--tokens", tokensFile(t), "--tls-cert", cert, "--tls-key", key, "--seed-due", "25")
	s.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	defer s.client.CloseIdleConnections()
	opened := s.must("POST", "/api/v1/plans/tasks/schedule", nil)
	answerEverybodyTheirOwn(t, s, credentials.NewTLS(&tls.Config{RootCAs: pool}), entryOf(t, opened))

	request, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+s.address()+"/healthz", nil)
	require.NoError(t, err)
	response, err := (&http.Client{}).Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusBadRequest, response.StatusCode, "a token is sent to nobody in the clear")
	s.stop()
}

// certificate is one for 127.0.0.1 that signs itself.
func certificate(t *testing.T) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})
	require.NoError(t, os.WriteFile(cert, chain, 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}), 0o600))
	pool = x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(chain))
	return cert, key, pool
}

func TestRESTIsDescribed(t *testing.T) {
	s := start(t, "--tokens", tokensFile(t))
	_, document, err := s.ask("", "GET", "/api/v1/openapi.json", nil)
	require.NoError(t, err)
	require.Contains(t, document["paths"], "/api/v1/plans/tasks/schedule")
	status, problem, err := s.ask(token, "GET", "/assessplan", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, status)
	require.Equal(t, "not_found", problem["code"])
	s.stop()
}

func TestTheServerWaitsForNobodyForEver(t *testing.T) {
	server := newServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	require.Positive(t, server.ReadHeaderTimeout)
	require.Positive(t, server.ReadTimeout)
	require.Positive(t, server.IdleTimeout)
	require.Greater(t, server.WriteTimeout, server.ReadTimeout+passTimeout, "a pass that takes as long as it may is answered")
}

func TestRESTAndGRPCShareTheLimitOfResolving(t *testing.T) {
	for name, limited := range map[string]bool{"0.001": true, "-1": false} {
		t.Run(name, func(t *testing.T) {
			s := start(t, "--tokens", tokensFile(t), "--seed-due", "1", "--resolve-rate", name)
			entry := entryOf(t, s.must("POST", "/api/v1/plans/tasks/schedule", nil))
			body := object{"task_id": entry.Get("task_id"), "token": entry.Get("token")}
			for range access.DefaultBurst {
				code, answer, err := s.ask("", "POST", "/api/v1/entries/resolve", body)
				require.NoError(t, err)
				require.Equal(t, http.StatusOK, code, answer)
			}
			rest, over := http.StatusOK, codes.OK
			if limited {
				rest, over = http.StatusTooManyRequests, codes.ResourceExhausted
			}
			code, answer, err := s.ask("", "POST", "/api/v1/entries/resolve", body)
			require.NoError(t, err)
			require.Equal(t, rest, code, answer)
			conn, err := grpc.NewClient(s.address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
			require.NoError(t, err)
			defer func() { require.NoError(t, conn.Close()) }()
			err = call(t, conn, "", "EntryService/ResolveEntry", &assessplanv1.ResolveEntryRequest{
				TaskId: entry.Get("task_id"), Token: entry.Get("token"),
			}, &assessplanv1.ResolveEntryResponse{})
			require.Equal(t, over, status.Code(err), err)
			s.stop()
		})
	}
}
