package access

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime"
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
// taken: what was read before stays in force, and the log says so. Keep the file readable for the server only: where everybody may
// read or write it, or its group write it, the log has a warning whenever it is read (except on Windows, which has no such modes).
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
	var err error
	if t.tokens, t.seen, err = readTokens(file); err != nil {
		return nil, err
	}
	t.judge(t.seen)
	return t, nil
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

// current returns the tokens, read again if the file has changed. One that cannot be read is tried again with the next request:
// to let the server read it changes neither its time nor its size.
func (t *Tokens) current() []bearer {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.unchanged() {
		return t.tokens
	}
	tokens, info, err := readTokens(t.file)
	switch {
	case err == nil:
		t.log.Info("tokens file was read again", "file", t.file, "tokens", len(tokens))
		t.tokens = tokens
		t.judge(info)
	case info != nil:
		t.log.Error("changed tokens file is not taken; what was read before stays in force", "file", t.file, "error", err)
	case t.seen != nil:
		t.log.Error("tokens file cannot be read; what was read before stays in force", "file", t.file, "error", err)
	}
	t.seen = info
	return t.tokens
}

// tooOpen are the permissions of a file that nobody needs: a server that does not own it may be of its group.
const tooOpen os.FileMode = 0o026

// judge warns of a file that anybody could take tokens from, or put some into.
func (t *Tokens) judge(info os.FileInfo) {
	if runtime.GOOS != "windows" && info.Mode().Perm()&tooOpen != 0 {
		t.log.Warn("tokens file is open to others than the server; want mode 0600, or 0640 with the server's group",
			"file", t.file, "mode", fmt.Sprintf("%#o", info.Mode().Perm()))
	}
}

// unchanged reports whether the file is the one that was read last.
func (t *Tokens) unchanged() bool {
	if t.seen == nil {
		return false
	}
	info, err := os.Stat(t.file)
	return err == nil && os.SameFile(t.seen, info) && t.seen.ModTime().Equal(info.ModTime()) && t.seen.Size() == info.Size()
}

// readTokens returns the tokens of a file, and what it is, if it could be read: then an error is a fault in the file.
func readTokens(file string) (tokens []bearer, read os.FileInfo, err error) {
	opened, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = opened.Close() }() // it was only read
	info, err := opened.Stat()
	if err != nil {
		return nil, nil, err
	}
	text, err := io.ReadAll(io.LimitReader(opened, maxTokens+1))
	if err != nil {
		return nil, nil, err
	}
	tokens, err = parseTokens(text)
	return tokens, info, err
}

// byteOrderMark is what editors on Windows begin a file with, unseen.
const byteOrderMark = "\ufeff"

// parseTokens reads the lines of a file.
func parseTokens(text []byte) ([]bearer, error) {
	if len(text) > maxTokens {
		return nil, assessplan.Invalid("tokens file", "has more than %d bytes", maxTokens)
	}
	var tokens []bearer
	var f assessplan.ValidationError
	if rest, marked := bytes.CutPrefix(text, []byte(byteOrderMark)); marked {
		text = rest
		f.Add("tokens file", "begins with a byte order mark; save it as UTF-8 without one")
	}
	lines := map[[sha256.Size]byte]int{}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		fields := strings.Fields(string(line))
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		read, wrong := parseToken(fields)
		if before, twice := lines[read.hash]; wrong == "" && twice {
			wrong = fmt.Sprintf("has the token of line %d", before)
		}
		if wrong != "" {
			f.Add(fmt.Sprintf("tokens file, line %d", number), "%s", wrong)
			continue
		}
		lines[read.hash] = number
		tokens = append(tokens, read)
	}
	if len(tokens) == 0 && len(f.Faults) == 0 {
		f.Add("tokens file", "has no token; want lines of TOKEN ORG|* PERMISSION,...")
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	return tokens, nil
}

// parseToken returns what a line says, or what is wrong with it.
func parseToken(fields []string) (read bearer, wrong string) {
	switch len(fields) {
	case 3:
	case 1:
		return bearer{}, "has 1 word; want TOKEN ORG|* PERMISSION,..."
	default:
		return bearer{}, fmt.Sprintf("has %d words; want TOKEN ORG|* PERMISSION,...", len(fields))
	}
	token, org := fields[0], fields[1]
	if wrong := wrongInToken(token); wrong != "" {
		return bearer{}, wrong
	}
	read.hash = sha256.Sum256([]byte(token))
	read.principal.Subject = "token-" + hex.EncodeToString(read.hash[:4])
	if read.principal.AllOrgs = org == "*"; !read.principal.AllOrgs {
		read.principal.Org = assessplan.OrgID(org)
	}
	for word := range strings.SplitSeq(fields[2], ",") {
		read.principal.Permissions = append(read.principal.Permissions, Permission(word))
	}
	var faults []string
	for _, fault := range read.principal.faults().Faults {
		faults = append(faults, "its "+strings.TrimPrefix(fault.Path, "principal.")+": "+strings.ReplaceAll(fault.Message, "AllOrgs", "*"))
	}
	return read, strings.Join(faults, "; ")
}

// wrongInToken says what is wrong with a token, without the token, by the syntax of credentials in RFC 9110, section 11.2.
func wrongInToken(token string) string {
	position := 0
	for _, c := range strings.TrimRight(token, "=") {
		position++
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-._~+/", c) {
			return fmt.Sprintf("has a token whose character %d is %U; want A-Z, a-z, 0-9 and -._~+/, and = at the end", position, c)
		}
	}
	switch {
	case position == 0:
		return "has a token of nothing but ="
	case len(token) < assessplan.MinToken || len(token) > assessplan.MaxToken:
		return fmt.Sprintf("has a token of %d characters; want %d to %d", len(token), assessplan.MinToken, assessplan.MaxToken)
	}
	return ""
}
