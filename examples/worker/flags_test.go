package main

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan/examples/internal/command"
	"github.com/assessplan/assessplan/examples/internal/logtest"
	"github.com/assessplan/assessplan/examples/internal/natstest"
)

func TestTheExitCodeTellsWhoseFaultItWas(t *testing.T) {
	const good = "--store sqlite::memory: --base-url https://assess.example.org/fill --metrics 127.0.0.1:0 "
	for args, code := range map[string]int{
		"-h": command.Done, "--brokers none": command.Misused, "": command.Misused, good + "--store oracle:": command.Misused,
		good + "--base-url ftp://a": command.Misused, good + "--metrics 8080": command.Misused, good + "--broker nats://127.0.0.1:1": command.Failed,
	} {
		err := run(t.Context(), strings.Fields(args), &bytes.Buffer{}, &logtest.Record{})
		require.Equal(t, code, command.End("worker", err, &bytes.Buffer{}), args)
	}
}

func TestBadFlagsSayWhatWouldBeRight(t *testing.T) {
	t.Chdir(t.TempDir())
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	const good = "--store sqlite:plans.db --base-url https://assess.example.org/fill --metrics 127.0.0.1:0 "
	withoutJetStream := natstest.Start(t, "authorization { user: u, password: hidden }")
	forbidden := natstest.Start(t, natstest.JetStream(t)+
		"authorization { users: [{ user: u, password: hidden, permissions: { publish: [\"assessplan.>\"] } }] }")
	for name, test := range map[string]struct {
		args string
		says []string
	}{
		"everything at once": {"--broker kafka://u:hidden@h --stream a.b --jitter -1s --zone Nowhere --schedule never --expire @every1s x", []string{
			`no flag: "x"`, "--base-url is missing", "--broker is no broker; want nats://", `--stream is "a.b"; want a name that has no space and none of . * # > / \`, "--jitter is -1s",
			`--zone is "Nowhere"; want an IANA name`, `--schedule: `, `--expire: `,
		}},
		"a demo on a store":         {"--demo --store sqlite:plans.db", []string{"leave out --store"}},
		"a demo to a broker":        {"--demo --broker nats://h", []string{"leave out --store and --broker"}},
		"nothing to do":             {good + "--schedule off --expire off", []string{"the worker would do nothing"}},
		"a zone in a timetable":     {good + "--schedule TZ=UTC", []string{"--schedule: "}},
		"a timetable without a day": {good + "--expire 0,3,31,2,*", []string{"--expire: "}},
		"the zone of whoever runs":  {good + "--zone Local", []string{`--zone is "Local"`}},
		"a broker without a host":   {good + "--broker nats://", []string{"--broker is no broker"}},
		"a broker that is a word":   {good + "--broker nats", []string{"--broker is no broker"}},
		"a URL that is none":        {good + "--broker amqp://u:hidden%zz@h", []string{"--broker is no broker"}},
		"a base URL that is none":   {"--store sqlite:plans.db --base-url ftp://a.example", []string{"--base-url: "}},
		"an unknown store":          {good + "--store oracle://a", []string{"--store: this is no store"}},
		"a server that is not":      {good + "--store postgres://root:hidden@127.0.0.1:1/x", []string{"--store: "}},
		"NATS that is not":          {good + "--broker nats://u:hidden@127.0.0.1:1", []string{"--broker: nobody listens at 127.0.0.1:1"}},
		"no JetStream":              {good + "--broker nats://u:hidden@" + withoutJetStream, []string{"--broker: stream assessplan: ", "this server has no JetStream; start nats-server with -js"}},
		"no permission": {good + "--broker nats://u:hidden@" + forbidden, []string{`for Publish to "$JS.API.STREAM.INFO.assessplan"; ` +
			"grant this user to publish to $JS.API.STREAM.INFO.assessplan, $JS.API.STREAM.CREATE.assessplan, assessplan.>, and to subscribe to _INBOX.>"}},
		"a store of its own alone": {"--base-url https://assess.example.org/fill", []string{"--store memory has nothing to do without --demo: give the database"}},
		"RabbitMQ that is not":     {good + "--broker amqp://u:hidden@127.0.0.1:1/", []string{"--broker: "}},
		"an address that is none":  {good + "--metrics here", []string{"--metrics: address here: missing port in address; want HOST:PORT such as"}},
		"an address that is taken": {good + "--metrics " + taken.Addr().String(), []string{"--metrics: "}},
		"a flag that is none":      {good + "--brokers none", []string{"-brokers"}},
	} {
		t.Run(name, func(t *testing.T) {
			log := &logtest.Record{}
			err := run(t.Context(), strings.Fields(test.args), &bytes.Buffer{}, log)
			for _, says := range test.says {
				require.ErrorContains(t, err, says)
			}
			require.NotContains(t, err.Error()+log.String(), "hidden")
		})
	}
}
