// Command statsworker keeps statistics of adherence from the events of tasks: of each plan and scale, by week, how many tasks
// were planned, opened, completed (late), expired (missed) and canceled, in a table of SQLite. See it work in one command:
//
//	go run ./examples/statsworker
//
// That lets a study of a hundred days happen in mock time, publishes its events through watermillpub to a broker of Watermill's
// in the process, and has a worker count them over a subscription that loses messages and acknowledgements, and brings messages
// twice and again much later. Then it counts anew, from the first event and with other repetitions, and once more from the tasks
// in the store, without events: the numbers are the same three times, or it says where not and fails. The same over NATS
// JetStream, on a stream of its own that is deleted in the end:
//
//	go run ./examples/statsworker --nats nats://127.0.0.1:4222
//
// As a worker it consumes a stream until it is interrupted, beside whoever publishes into it. A second shell sees the numbers:
//
//	go run ./examples/statsworker --consume --nats nats://127.0.0.1:4222 --stream assessplan --db stats.db --zone Europe/Berlin
//	go run ./examples/statsworker --report --db stats.db
//
// The stream has to be there: start who publishes into it first, such as examples/worker with the same --stream, which makes it.
// With --rebuild it empties the tables first and begins at the beginning of the stream, which has to be kept as long as anybody
// may want that.
//
// # Why repetitions change nothing
//
// Delivery is at least once: a message comes again when its acknowledgement was lost, or the worker that had it, at any time
// later, after newer ones as well. Every event of a task says where the task stands: its plan, scale and planned time, its
// outcome, whether it had been opened. So the worker keeps where the last event left each task, and an event is one transaction:
// if it is newer it replaces that, and the difference goes into the table. An older event, or the same again, finds that it is
// not newer. No order is needed either: after the last event of a task its row is right, whatever came before or is still to
// come. An event that was lost, as one that an operator discards, is healed by the next of its task.
//
// What is newer? The versions of a task grow with its events, but are not enough: where its plan has ended and a sheet from
// before that is recorded, a cancellation and a completion are stored at once, with one version. Nothing comes after a completion,
// which therefore is the later of the two. (standing.go has it in one line.)
//
// watermillpub.Handle with an Inbox is the other way: it remembers the IDs of events. It is the right one where an effect cannot
// be repeated and does not say what it replaces, such as sending mail. Here the inbox would have to remember every event for ever
// and in this database, for a rebuild brings all of them again; and it does not put events in order that a broker brings
// the wrong way round, as JetStream does with a message that was given back.
//
// # What is counted
//
// A task counts in the week (ISO 8601, in the zone of --zone) that it is planned for, from when it comes up: opened, missed or
// canceled. Tasks whose time is still to come have no events; each plan shows how many its rounds were made of.
//
//   - opened: it could be filled in at some time, whatever came after.
//   - completed; late are those of them that were handed in after the due time. What was recorded as expired or canceled before
//     its submission became known moves from there to completed.
//   - expired; missed are those of them that were never opened: their window closed, or they were past at enrollment.
//   - canceled: no longer owed. Adherence, completed of completed and expired, leaves them out.
//
// A task that is planned anew leaves its week, with its outcome, and counts in the new one when it comes up there. Another entry
// changes nothing. Rounds that were imported (Manager.ImportRound) have no events of before; their tasks count from the first on.
//
// The tables have IDs of tasks and rounds, and nothing of a person: an erasure has nothing to change in them (but in the stream,
// whose events have the testee's ID for as long as it keeps them). What had not been relayed when somebody was erased is never
// told, and not counted.
//
// # What goes wrong
//
// A message that is no event of ours, or one of a type that this version does not know, would come again for ever: it is
// acknowledged, and noted in the table adherence_refused by its ID. After an update of the worker --rebuild counts it.
//
// Where the database cannot be written the worker gives its message back and ends; systemd or Kubernetes start it again. A
// broker that goes is waited for. Killed at any time it goes on where its consumer stands, whose name is in the database: a new
// file has a new consumer, from the beginning. A file that comes from a backup needs --rebuild. Several workers may share a file.
package main
