// Package hoststore is an [assessplan.Store] on tables that a host has had for years, reached through GORM: assessment_plan
// and assessment_task with integer keys (legacy.sql), to which one migration adds what the library needs (migration.sql).
// It is written to be copied and changed; docs/porting.md walks through it.
//
// A row keeps the host's key and has the library's ID beside it, in uid. A row that the host already had gets the ID that is
// made from its key when it is imported ([assessplan.TaskIDFromUint64]); a new one gets the ID that the library made and
// the next AUTO_INCREMENT, so that everything of the host's that points to a task by its key goes on to do so.
//
// To insert a record whose ID was made from the key of a row that the library has not stored yet (version 0) is to take up
// that row: [assessplan.Manager.ImportRound] and a SavePlan work on the tables as they are.
package hoststore
