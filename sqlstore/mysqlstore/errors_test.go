package mysqlstore_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/sqlstore/mysqlstore"
)

// reported is an error of the server as the driver has it.
func reported(number uint16, message string) error {
	return &mysql.MySQLError{Number: number, SQLState: [5]byte{'H', 'Y', '0', '0', '0'}, Message: message}
}

func TestErrorsOfTheServerQuoteNoValue(t *testing.T) {
	const secret = "testee-4711"
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"a duplicate in MariaDB":    {reported(1062, "Duplicate entry 'clinic-testee-4711' for key 'assessplan_tasks_assessment'"), "error 1062 (HY000) of the server: index assessplan_tasks_assessment"},
		"a duplicate in MySQL":      {reported(1062, "Duplicate entry 'testee-4711' for key 'assessplan_tasks.PRIMARY'"), "error 1062 (HY000) of the server: index PRIMARY"},
		"a duplicate that is sly":   {reported(1062, "Duplicate entry 'x' for key 'testee-4711' for key 'PRIMARY'"), "error 1062 (HY000) of the server: index PRIMARY"},
		"a check in MariaDB":        {reported(4025, "CONSTRAINT `assessplan_task_seq` failed for `clinics`.`assessplan_tasks`"), "error 4025 (HY000) of the server: constraint assessplan_task_seq"},
		"a check in MySQL":          {reported(3819, "Check constraint 'assessplan_task_seq' is violated."), "error 3819 (HY000) of the server: constraint assessplan_task_seq"},
		"a foreign key":             {reported(1452, "Cannot add or update a child row: a foreign key constraint fails (`clinics`.`assessplan_tasks`, CONSTRAINT `assessplan_task_enrollment` FOREIGN KEY (`enrollment_id`) REFERENCES `assessplan_enrollments` (`id`))"), "error 1452 (HY000) of the server: constraint assessplan_task_enrollment"},
		"a value of a wrong type":   {reported(1366, "Incorrect string value: 'testee-4711' for column `clinics`.`assessplan_tasks`.`testee_id` at row 1"), "error 1366 (HY000) of the server: column testee_id"},
		"a wrong time":              {reported(1292, "Incorrect datetime value: 'testee-4711' for column 'planned_at' at row 1"), "error 1292 (HY000) of the server: column planned_at"},
		"a table that is not there": {reported(1146, "Table 'clinics.assessplan_tasks' doesn't exist"), "error 1146 (HY000) of the server: table assessplan_tasks"},
		"anything else":             {reported(1064, "You have an error near 'testee-4711'"), "error 1064 (HY000) of the server"},
		"one without a state":       {&mysql.MySQLError{Number: 1064, Message: secret}, "error 1064 of the server"},
		"an address":                {&net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 3306}, Err: errors.New(secret)}, "network: dial"},
	} {
		t.Run(name, func(t *testing.T) {
			err := mysqlstore.Failed(t.Context(), "save tasks", test.err)
			require.True(t, strings.HasSuffix(err.Error(), ": "+test.want), err.Error())
			require.NotContains(t, fmt.Sprintf("%+v", err), secret)
			require.ErrorIs(t, err, test.err, "the driver's own is there for who asks")
		})
	}
}

func TestWhatMayEndBetterLaterIsUnavailable(t *testing.T) {
	for _, err := range []error{
		reported(1205, ""), reported(1213, ""), reported(1040, ""), reported(1290, ""), reported(1836, ""), reported(1792, ""),
		reported(1317, ""), reported(1053, ""), reported(1927, ""), reported(1114, ""), reported(1461, ""),
		driver.ErrBadConn, mysql.ErrInvalidConn, io.ErrUnexpectedEOF, &net.OpError{Op: "read", Err: io.EOF},
	} {
		require.ErrorIs(t, mysqlstore.Failed(t.Context(), "commit", err), assessplan.ErrUnavailable, err)
	}
	for _, err := range []error{reported(1062, ""), reported(4025, ""), reported(1064, "")} {
		require.NotErrorIs(t, mysqlstore.Failed(t.Context(), "commit", err), assessplan.ErrUnavailable, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, mysqlstore.Failed(ctx, "commit", driver.ErrBadConn), context.Canceled)
}

// TestAValueThatDoesNotFitNamesTableAndKey: nothing is stored, and the value is not told.
func TestAValueThatDoesNotFitNamesTableAndKey(t *testing.T) {
	_, store := newDatabase(t)
	plan := newPlan(1)
	round := newRound(plan, 1)
	sound := newTask(round, 1, 1, start)
	save(t, store, plan, round)
	long := strings.Repeat("x", 129)
	early, late := time.Date(0, time.December, 31, 0, 0, 0, 0, time.UTC), time.Date(10000, time.January, 1, 0, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		change func(*assessplan.TaskState)
		want   string
	}{
		"a long testee":     {func(s *assessplan.TaskState) { s.Testee = assessplan.TesteeID(long) }, "testee_id has 129 bytes; want at most 128"},
		"a long assessment": {func(s *assessplan.TaskState) { s.AssessmentID = assessplan.AssessmentID(long) }, "assessment_id has 129 bytes"},
		"a long zone":       {func(s *assessplan.TaskState) { s.Zone = long }, "zone has 129 bytes; want at most 64"},
		"before the year 1": {func(s *assessplan.TaskState) { s.PlannedAt = early }, "planned_at is in the year 0; want 1 to 9999"},
		"after 9999":        {func(s *assessplan.TaskState) { s.OpenUntil = late }, "open_until is in the year 10000"},
		"a date after 9999": {func(s *assessplan.TaskState) { s.Date.Year = 10000 }, "planned_date is in the year 10000"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := newTask(round, 2, 2, start)
			test.change(&bad)
			err := store.Update(t.Context(), func(ctx context.Context, r assessplan.Repositories) error {
				return r.SaveTasks(ctx, insertions([]assessplan.TaskState{sound, bad}))
			})
			require.ErrorIs(t, err, assessplan.ErrInvalid)
			require.ErrorContains(t, err, "table assessplan_tasks, key "+bad.ID.String()+": "+test.want)
			require.NotContains(t, err.Error(), long)
			require.Equal(t, verdicts{sound: 2}, judge(t, store.View))
		})
	}
}
