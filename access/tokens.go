package access

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/assessplan/assessplan"
)

// Tokens are the bearer tokens of a file (RFC 6750, in the Authorization header only). A line is
//
//	TOKEN ORG PERMISSION,PERMISSION
//
// where ORG is * for all orgs. Empty lines and lines that begin with # are passed over. A token has 22 to 512 characters of
// A-Z, a-z, 0-9 and -._~+/=; make one with "openssl rand -base64 32". Several may be good for the same at once: to rotate one,
// add the new line, change whoever calls, and remove the old line.
//
// The file is looked at with each request and read again when it has changed. A changed file with a fault in it is not
// taken: what was read before stays in force, and the log says so. Keep the file readable for the server only.
type Tokens struct {
	file string
	log  *slog.Logger

	mu     sync.Mutex
	seen   os.FileInfo // of the file when it was last looked into
	tokens []bearer
}

// bearer is a line. The token itself is not kept.
type bearer struct {
	hash      [sha256.Size]byte
	principal Principal
}

// maxTokens is the largest file, in bytes.
const maxTokens = 1 << 20

// OpenTokens reads a file of tokens. Every fault of it comes back in one [assessplan.ValidationError], which names lines and
// shows no token. log is told when a changed file is taken, or is not; nil is silence.
func OpenTokens(file string, log *slog.Logger) (*Tokens, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	t := &Tokens{file: file, log: log}
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	t.seen = info
	t.tokens, err = readTokens(file)
	return t, err
}

// Authenticate returns the principal of the request's token. It takes as long for a guess that begins well as for any other.
// It is safe for concurrent use.
func (t *Tokens) Authenticate(r *http.Request) (Principal, error) {
	token, ok := bearerToken(r)
	if !ok {
		return Principal{}, ErrUnauthenticated
	}
	hash := sha256.Sum256([]byte(token))
	found := -1
	tokens := t.current()
	for i := range tokens {
		if subtle.ConstantTimeCompare(hash[:], tokens[i].hash[:]) == 1 {
			found = i
		}
	}
	if found < 0 {
		return Principal{}, ErrUnauthenticated
	}
	return tokens[found].principal, nil
}

// bearerToken returns the token of the one Authorization header.
func bearerToken(r *http.Request) (string, bool) {
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return "", false
	}
	scheme, token, ok := strings.Cut(headers[0], " ")
	return token, ok && strings.EqualFold(scheme, "Bearer")
}

// current returns the tokens, read again if the file has changed.
func (t *Tokens) current() []bearer {
	t.mu.Lock()
	defer t.mu.Unlock()
	info, err := os.Stat(t.file)
	if err != nil {
		if t.seen != nil {
			t.log.Error("tokens file cannot be read; what was read before stays in force", "file", t.file, "error", err)
		}
		t.seen = nil
		return t.tokens
	}
	if t.seen != nil && os.SameFile(t.seen, info) && t.seen.ModTime().Equal(info.ModTime()) && t.seen.Size() == info.Size() {
		return t.tokens
	}
	t.seen = info
	tokens, err := readTokens(t.file)
	if err != nil {
		t.log.Error("changed tokens file is not taken; what was read before stays in force", "file", t.file, "error", err)
		return t.tokens
	}
	t.log.Info("tokens file was read again", "file", t.file, "tokens", len(tokens))
	t.tokens = tokens
	return tokens
}

func readTokens(file string) ([]bearer, error) {
	opened, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = opened.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(opened, maxTokens+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxTokens {
		return nil, fmt.Errorf("tokens file %s has more than %d bytes", file, maxTokens)
	}
	return parseTokens(text)
}

// parseTokens reads the lines of a file.
func parseTokens(text []byte) ([]bearer, error) {
	var tokens []bearer
	var faults []assessplan.Fault
	lines := map[[sha256.Size]byte]int{}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		fields := strings.Fields(string(line))
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		read, err := parseToken(fields)
		if before, twice := lines[read.hash]; err == nil && twice {
			err = fmt.Errorf("has the token of line %d", before)
		}
		if err != nil {
			faults = append(faults, assessplan.Fault{Path: fmt.Sprintf("tokens file, line %d", number), Message: err.Error()})
			continue
		}
		lines[read.hash] = number
		tokens = append(tokens, read)
	}
	if len(tokens) == 0 && len(faults) == 0 {
		faults = append(faults, assessplan.Fault{Path: "tokens file", Message: "has no token; want lines of TOKEN ORG|* PERMISSION,..."})
	}
	if len(faults) > 0 {
		return nil, &assessplan.ValidationError{Faults: faults}
	}
	return tokens, nil
}

func parseToken(fields []string) (bearer, error) {
	if len(fields) != 3 {
		return bearer{}, fmt.Errorf("has %d words; want TOKEN ORG|* PERMISSION", len(fields))
	}
	token, org := fields[0], fields[1]
	if len(token) < assessplan.MinToken || len(token) > assessplan.MaxToken || !isToken68(token) {
		return bearer{}, fmt.Errorf("has a token of %d characters; want %d to %d of A-Z, a-z, 0-9 and -._~+/=",
			len(token), assessplan.MinToken, assessplan.MaxToken)
	}
	read := bearer{hash: sha256.Sum256([]byte(token))}
	read.principal.Subject = "token-" + hex.EncodeToString(read.hash[:4])
	if read.principal.AllOrgs = org == "*"; !read.principal.AllOrgs {
		read.principal.Org = assessplan.OrgID(org)
	}
	for word := range strings.SplitSeq(fields[2], ",") {
		read.principal.Permissions = append(read.principal.Permissions, Permission(word))
	}
	if err := read.principal.Validate(); err != nil {
		return bearer{}, errors.New(strings.TrimPrefix(err.Error(), "invalid: "))
	}
	return read, nil
}

// isToken68 is the syntax of credentials in RFC 9110, section 11.2.
func isToken68(s string) bool {
	s = strings.TrimRight(s, "=")
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-._~+/", rune(c)) {
			return false
		}
	}
	return s != ""
}
