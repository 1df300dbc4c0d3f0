package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/benbjohnson/clock"
	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/plantest"
	"github.com/assessplan/assessplan/sqlstore/sqltest"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	os.Exit(m.Run())
}

// databases open an empty one of each kind.
var databases = map[string]func(t *testing.T, prepare bool) (*database, error){
	"SQLite": func(t *testing.T, prepare bool) (*database, error) {
		return openSQLite(t.Context(), filepath.Join(t.TempDir(), "host.db"), prepare)
	},
	"SQLite with one connection": func(t *testing.T, prepare bool) (*database, error) {
		return openSQLite(t.Context(), ":memory:", prepare)
	},
	"MySQL": func(t *testing.T, prepare bool) (*database, error) {
		return openMySQL(t.Context(), sqltest.MySQL(t), prepare)
	},
}

// onEachDatabase runs a test on each kind of database, with GORM's statements prepared and not.
func onEachDatabase(t *testing.T, test func(t *testing.T, db *database)) {
	for name, open := range databases {
		for _, prepare := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, PrepareStmt %t", name, prepare), func(t *testing.T) {
				db, err := open(t, prepare)
				require.NoError(t, err)
				defer func() { require.NoError(t, db.close()) }()
				test(t, db)
			})
		}
	}
}

// clinic is a host in a test, with everybody around it.
type clinic struct {
	*host
	t      *testing.T
	clock  *clock.Mock
	routes http.Handler
	mails  []string
	logs   bytes.Buffer
}

func newClinic(t *testing.T, db *database) *clinic {
	t.Helper()
	c := &clinic{t: t, clock: plantest.NewClock()}
	var err error
	c.host, err = newHost(db, settings{
		link: "https://clinic.example.org/fill", secret: "tick", clock: c.clock,
		keys: map[assessplan.OrgID]string{"clinic-a": "alpha", "clinic-b": "beta"},
		mail: func(_, _, text string) error { c.mails = append(c.mails, text); return nil },
		log:  slog.New(slog.NewTextHandler(&c.logs, nil)),
	})
	require.NoError(t, err)
	c.routes, err = c.host.routes()
	require.NoError(t, err)
	return c
}

// ask is one request. The body is an object, or text.
func (c *clinic) ask(key, method, path string, body any) (status int, answer object) {
	c.t.Helper()
	recorder := c.record(key, method, path, body)
	require.NoError(c.t, json.Unmarshal(recorder.Body.Bytes(), &answer))
	return recorder.Code, answer
}

func (c *clinic) record(key, method, path string, body any) *httptest.ResponseRecorder {
	c.t.Helper()
	text, isText := body.(string)
	if !isText {
		encoded, err := json.Marshal(body)
		require.NoError(c.t, err)
		text = string(encoded)
	}
	request := httptest.NewRequestWithContext(c.t.Context(), method, path, strings.NewReader(text))
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	recorder := httptest.NewRecorder()
	c.routes.ServeHTTP(recorder, request)
	return recorder
}

// must is ask for an answer that is no refusal.
func (c *clinic) must(key, method, path string, body any) object {
	c.t.Helper()
	status, answer := c.ask(key, method, path, body)
	require.Less(c.t, status, 300, answer["error"])
	return answer
}

func weekly() object {
	return object{
		"scale_code": "PHQ-8", "zone": "UTC", "fill_window": "3d",
		"schedule": object{"type": "by_week", "every": 1, "count": 2, "times": []string{"07:00"}},
	}
}

// enrolled is a user of clinic-a who owes a sheet now and another in a week.
func (c *clinic) enrolled() (userPath string) {
	c.t.Helper()
	anna := c.must("alpha", "POST", "/users", object{"name": "Anna", "email": "anna@example.org"})
	plan := c.must("alpha", "POST", "/plans", weekly())
	round := c.must("alpha", "POST", "/enrollments", object{"plan_id": plan["id"], "user_id": anna["id"], "start": "2026-03-02"})
	require.EqualValues(c.t, 2, round["tasks"])
	return "/users/" + strconv.Itoa(int(anna["id"].(float64)))
}

// invited triggers the passes, relays, and follows the link of the only mail that this brings.
func (c *clinic) invited() url.Values {
	c.t.Helper()
	require.EqualValues(c.t, 1, c.must("tick", "POST", "/passes", nil)["opened"])
	mails := c.relay()
	require.Len(c.t, mails, 1)
	text, link, _ := strings.Cut(strings.TrimSpace(mails[0]), "\n")
	require.Equal(c.t, "Anna, please fill in PHQ-8", text)
	parsed, err := url.Parse(link)
	require.NoError(c.t, err)
	return parsed.Query()
}

// relay hands the events to the bus and returns the mails that this brings.
func (c *clinic) relay() []string {
	c.t.Helper()
	before := len(c.mails)
	_, err := c.service.Relay.RelayEvents(c.t.Context())
	require.NoError(c.t, err)
	return c.mails[before:]
}

// handsIn is the body of a request that fills in a task.
func handsIn(link url.Values, answers ...int) object {
	return object{"task_id": link.Get("task_id"), "token": link.Get("token"), "answers": answers}
}

// statuses are those of a user's tasks, as staff sees them.
func (c *clinic) statuses(userPath string) (found []string) {
	c.t.Helper()
	for _, task := range c.must("alpha", "GET", userPath+"/tasks", nil)["tasks"].([]any) {
		found = append(found, task.(object)["status"].(string))
	}
	return found
}

// sheets are the rows of the host's table.
func (c *clinic) sheets() (all []answerSheet) {
	c.t.Helper()
	require.NoError(c.t, c.database.gorm.Find(&all).Error)
	return all
}
