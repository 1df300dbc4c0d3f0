// Command ginhost is an API server (gin, GORM, SQLite or MySQL) into which assessplan was imported. It had users and
// answer sheets in its own tables; now a plan asks its users for sheets, and a sheet and the completion of its task are
// stored in one transaction: both or neither (handIn in sheets.go, transaction in database.go).
//
// See it play a story once, on a clock that is moved by hand:
//
//	go run ./examples/ginhost -demo
//
// Or serve, with a secret for whoever triggers the passes and a key for the staff of each org:
//
//	TRIGGER_SECRET=tick STAFF_KEYS=clinic-a=alpha,clinic-b=beta go run ./examples/ginhost
//
// The database is ginhost.db, or that of the flag -mysql, a DSN such as root@tcp(127.0.0.1:3306)/clinic.
//
// The staff of clinic-a makes a user and a plan, and enrolls the user from today. PLAN is the id in the second answer:
//
//	curl -H 'Authorization: Bearer alpha' -d '{"name":"Anna","email":"anna@example.org"}' http://127.0.0.1:8080/users
//	curl -H 'Authorization: Bearer alpha' -d '{"scale_code":"PHQ-8","zone":"UTC","schedule":{"type":"by_day","every":1,"count":7,"times":["00:00"]}}' http://127.0.0.1:8080/plans
//	curl -H 'Authorization: Bearer alpha' -d "{\"plan_id\":\"$PLAN\",\"user_id\":1,\"start\":\"$(date -u +%F)\"}" http://127.0.0.1:8080/enrollments
//
// Cron triggers the passes. What they open is mailed by the host, here into a folder, a file for each mail, whose last line
// is the link. LINK, TASK and TOKEN are what it says:
//
//	curl -X POST -H 'Authorization: Bearer tick' http://127.0.0.1:8080/passes
//	curl "$LINK"
//	curl -d "{\"task_id\":\"$TASK\",\"token\":\"$TOKEN\",\"answers\":[9,9,9,9,9,9,9,9]}" http://127.0.0.1:8080/fill
//	curl -d "{\"task_id\":\"$TASK\",\"token\":\"$TOKEN\",\"answers\":[1,0,2,1,0,0,3,1]}" http://127.0.0.1:8080/fill
//	curl -H 'Authorization: Bearer alpha' http://127.0.0.1:8080/users/1/tasks
//
// The first of the two sheets is refused by the host's database after the task was completed: the task is opened as before.
//
// The library's own REST routes are below /api/v1, under the host's middleware and with its keys (rest.go): staff sees and
// commands the plans, rounds and tasks of its org, and whoever has the secret triggers a pass.
//
//	curl -H 'Authorization: Bearer alpha' http://127.0.0.1:8080/api/v1/plans
//	curl -X POST -H 'Authorization: Bearer alpha' "http://127.0.0.1:8080/api/v1/plans/$PLAN/pause"
//	curl -X POST -H 'Authorization: Bearer tick' http://127.0.0.1:8080/api/v1/plans/tasks/expire
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	_ "time/tzdata" // so that zones are known on every machine

	"github.com/gin-gonic/gin"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/examples/internal/command"
)

func main() {
	gin.SetMode(gin.ReleaseMode)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(command.End("ginhost", err, os.Stderr))
}

// run is the whole command but for the process around it.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("ginhost", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:8080", "the `address` to listen on")
	link := flags.String("link", "", "the `URL` of the page that fills in a sheet (default: /fill of this server)")
	file := flags.String("sqlite", "ginhost.db", "the SQLite `file`")
	dsn := flags.String("mysql", "", "the `DSN` of a MySQL or MariaDB database, in place of SQLite")
	mails := flags.String("mail", filepath.Join(os.TempDir(), "ginhost-mail"), "the `folder` that mails are written to")
	prepare := flags.Bool("prepare", false, "have GORM prepare its statements")
	play := flags.Bool("demo", false, "play a story and end")
	if err := command.Parse(flags, args, stderr); err != nil {
		return err
	}
	if err := command.CheckAddress(*addr); err != nil {
		return command.Misuse(fmt.Errorf("-addr: %w", err))
	}
	s := settings{link: *link, secret: getenv("TRIGGER_SECRET"), mail: mailInto(*mails), log: slog.New(slog.NewTextHandler(stderr, nil))}
	if s.link == "" {
		s.link = "http://" + *addr + "/fill"
	}
	if *play {
		*file = ":memory:"
	} else if s.keys, err = parseKeys(getenv("STAFF_KEYS")); err != nil {
		return command.Misuse(err)
	} else if s.secret == "" {
		return command.Misuse(errors.New("set TRIGGER_SECRET to the bearer secret of whoever triggers the passes"))
	}
	open, where := openSQLite, *file
	if *dsn != "" {
		open, where = openMySQL, *dsn
	}
	db, err := open(ctx, where, *prepare)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	if *play {
		return demo(ctx, db, stdout)
	}
	h, err := newHost(db, s)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", *addr)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stdout, "listening on http://%s, mails are in %s\n", command.Reachable(listener.Addr()), *mails)
	return h.serve(ctx, listener)
}

// parseKeys reads ORG=KEY,ORG=KEY.
func parseKeys(list string) (map[assessplan.OrgID]string, error) {
	keys := map[assessplan.OrgID]string{}
	for pair := range strings.SplitSeq(list, ",") {
		org, key, _ := strings.Cut(pair, "=")
		if org == "" || key == "" {
			return nil, errors.New("set STAFF_KEYS to the bearer keys of the orgs, such as clinic-a=KEY,clinic-b=KEY")
		}
		keys[assessplan.OrgID(org)] = key
	}
	return keys, nil
}

// mailInto stands in for a mail server: a link is for the eyes of one person, and for no log.
func mailInto(folder string) mailer {
	return func(id, to, text string) error {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(folder, id+".txt"), []byte("To: "+to+"\n\n"+text), 0o600)
	}
}
