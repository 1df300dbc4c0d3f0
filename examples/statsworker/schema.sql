-- Which worker fills these tables: its consumer is named by the id, and the weeks are those of the zone.
CREATE TABLE IF NOT EXISTS adherence_worker (
	one  INTEGER PRIMARY KEY CHECK (one = 1),
	id   TEXT NOT NULL,
	zone TEXT NOT NULL
) STRICT;

-- What is wanted: tasks that have come up, by the week for which they were planned.
CREATE TABLE IF NOT EXISTS adherence (
	org       TEXT NOT NULL,
	plan      TEXT NOT NULL,
	scale     TEXT NOT NULL,
	week      TEXT NOT NULL,
	planned   INTEGER NOT NULL,
	opened    INTEGER NOT NULL,
	completed INTEGER NOT NULL,
	late      INTEGER NOT NULL,
	missed    INTEGER NOT NULL,
	expired   INTEGER NOT NULL,
	canceled  INTEGER NOT NULL,
	PRIMARY KEY (org, plan, scale, week)
) STRICT, WITHOUT ROWID;

-- Where the last event left each task: what it adds to adherence now, and which events are older.
CREATE TABLE IF NOT EXISTS adherence_tasks (
	task      TEXT PRIMARY KEY,
	place     INTEGER NOT NULL,
	org       TEXT NOT NULL,
	plan      TEXT NOT NULL,
	scale     TEXT NOT NULL,
	week      TEXT NOT NULL,
	planned   INTEGER NOT NULL,
	opened    INTEGER NOT NULL,
	completed INTEGER NOT NULL,
	late      INTEGER NOT NULL,
	missed    INTEGER NOT NULL,
	expired   INTEGER NOT NULL,
	canceled  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS adherence_plans (
	plan  TEXT PRIMARY KEY,
	org   TEXT NOT NULL,
	scale TEXT NOT NULL,
	ref   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Each round with how many tasks it was made of.
CREATE TABLE IF NOT EXISTS adherence_rounds (
	round   TEXT PRIMARY KEY,
	org     TEXT NOT NULL,
	plan    TEXT NOT NULL,
	planned INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Messages that no version of this worker can read again and again: by ID, for somebody to look them up at the broker.
CREATE TABLE IF NOT EXISTS adherence_refused (
	message TEXT PRIMARY KEY,
	why     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
