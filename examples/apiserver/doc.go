// Command apiserver serves the library over REST and gRPC on one port, over any of the stores. main.go is the wiring. See it
// work in one command, with a token, due tasks and lines to try that it prints:
//
//	go run ./examples/apiserver --demo
//
// Or with a file of tokens, in which a line says what a token is good for: an org (* for all) and some of read, manage,
// schedule, submit, entries. The file is read again when it changes.
//
//	TOKEN=$(openssl rand -base64 32)
//	(umask 077; echo "$TOKEN demo read,manage,schedule,submit,entries" >tokens)
//	go run ./examples/apiserver --addr 127.0.0.1:8080 --store sqlite:plans.db --tokens tokens \
//		--base-url https://assess.example.org/fill --seed-due 3
//
// A store is memory, sqlite:FILE, postgres://USER:PASSWORD@HOST:PORT/DATABASE or mysql://USER:PASSWORD@HOST:PORT/DATABASE; the
// parameters after a ? are those of pgx and of go-sql-driver/mysql. Each start with --seed-due makes another plan of the org
// demo, in which so many tasks are due.
//
// Whoever has the token opens what is due, expires what is over, and sees what there is:
//
//	curl -X POST -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/api/v1/plans/tasks/schedule
//	curl -X POST -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/api/v1/plans/tasks/expire
//	curl -H "Authorization: Bearer $TOKEN" 'http://127.0.0.1:8080/api/v1/plans/tasks?status=opened'
//	grpcurl -plaintext -H "authorization: Bearer $TOKEN" 127.0.0.1:8080 assessplan.v1.TaskService/SchedulePendingTasks
//	grpcurl -plaintext 127.0.0.1:8080 list
//	curl http://127.0.0.1:8080/healthz
//
// http://127.0.0.1:8080/api/v1/docs shows all routes. The log, JSON on the standard error, has requests, commands, and events by
// type and ID. With --tls-cert and --tls-key it serves TLS. An interrupt lets requests end, then the relay, and closes the store.
//
// BESIDE examples/worker GIVE --no-relay. The server has a relay of its own, whose publisher is the log: an event that it gets to
// first is settled, and no broker ever sees it. All relays of a store must publish to the same place. With --no-relay the events
// wait in the store for the worker.
//
// The exit code is 0 after an interrupt, 1 after a failure, 2 where a flag is wrong.
package main
