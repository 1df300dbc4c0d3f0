-- The tables of assessplan in SQLite.
--
--   ids         BLOB of 16 bytes, compared by memcmp like everywhere in the library
--   references  TEXT under the default collation BINARY, which is memcmp of the UTF-8 too: Clinic-A, clinic-a and
--               "clinic-a " are three
--   instants    INTEGER, microseconds since 1970-01-01 UTC, negative before that; NULL is none
--   dates       TEXT, 2026-03-31; times of day INTEGER, seconds since midnight
--   windows     TEXT, 3d or 72h0m0s; NULL is none
--
-- STRICT keeps other types out, and the constraints say what the library's RestorePlan, RestoreEnrollment and RestoreTask
-- would refuse, so that a hand that edits a row is told at once. They let pass what only the library can judge: whether a
-- schedule is valid, a zone exists, a text is UTF-8.

-- +goose Up

CREATE TABLE assessplan_plans (
    id            BLOB    NOT NULL PRIMARY KEY,
    org_id        TEXT    NOT NULL,
    external_ref  TEXT,
    scale_code    TEXT    NOT NULL,
    schedule      TEXT    NOT NULL,
    zone          TEXT    NOT NULL,
    open_window   TEXT,
    fill_window   TEXT,
    due_window    TEXT,
    status        TEXT    NOT NULL,
    paused_at     INTEGER,
    ended_at      INTEGER,
    finish        TEXT,
    work_kind     TEXT,
    work_days     INTEGER NOT NULL,
    work_after    BLOB,
    created_at    INTEGER,
    version       INTEGER NOT NULL,

    CONSTRAINT plan_id         CHECK (length(id) = 16 AND id <> zeroblob(16)),
    CONSTRAINT plan_org        CHECK (octet_length(org_id) BETWEEN 1 AND 128),
    CONSTRAINT plan_ref        CHECK (octet_length(external_ref) BETWEEN 1 AND 128),
    CONSTRAINT plan_scale      CHECK (octet_length(scale_code) BETWEEN 1 AND 128),
    CONSTRAINT plan_schedule   CHECK (json_valid(schedule)),
    CONSTRAINT plan_zone       CHECK (octet_length(zone) BETWEEN 1 AND 64),
    CONSTRAINT plan_status     CHECK (status IN ('active', 'paused', 'finished', 'canceled')),
    CONSTRAINT plan_paused_at  CHECK ((paused_at IS NOT NULL) = (status = 'paused')),
    CONSTRAINT plan_ended_at   CHECK ((ended_at IS NOT NULL) = (status IN ('finished', 'canceled'))),
    CONSTRAINT plan_finish     CHECK ((finish IS NOT NULL) = (status = 'finished')
                                      AND coalesce(finish, 'cancel_opened') IN ('cancel_opened', 'let_opened_run_out')),
    CONSTRAINT plan_work       CHECK (CASE work_kind
                                          WHEN 'shift' THEN status = 'active' AND work_days >= 1
                                          WHEN 'cancel_all' THEN status IN ('finished', 'canceled')
                                          WHEN 'cancel_pending' THEN status IN ('finished', 'canceled')
                                          WHEN 'close_rounds' THEN status IN ('finished', 'canceled')
                                          ELSE work_kind IS NULL END),
    CONSTRAINT plan_work_after CHECK (length(work_after) = 16),
    CONSTRAINT plan_version    CHECK (version >= 1)
) STRICT;

-- The name that the host gave a plan: FindPlanByRef.
CREATE UNIQUE INDEX assessplan_plans_ref ON assessplan_plans (org_id, external_ref) WHERE external_ref IS NOT NULL;
-- Pages of an org's plans: ListPlans.
CREATE INDEX assessplan_plans_list ON assessplan_plans (org_id, id);
-- Plans with work left: FindPlansWithWork.
CREATE INDEX assessplan_plans_work ON assessplan_plans (id) WHERE work_kind IS NOT NULL;

CREATE TABLE assessplan_enrollments (
    id            BLOB    NOT NULL PRIMARY KEY,
    org_id        TEXT    NOT NULL,
    plan_id       BLOB    NOT NULL REFERENCES assessplan_plans (id),
    testee_id     TEXT    NOT NULL,
    round         INTEGER NOT NULL,
    start         TEXT    NOT NULL,
    zone          TEXT    NOT NULL,
    reconsented   INTEGER NOT NULL,
    status        TEXT    NOT NULL,
    planned       INTEGER NOT NULL,
    paused_at     INTEGER,
    shifted_days  INTEGER NOT NULL,
    ended_at      INTEGER,
    end_reason    TEXT,
    end_note      TEXT,
    closable_from INTEGER NOT NULL, -- no instant is the first of the year 1, so that it sorts first
    created_at    INTEGER,
    version       INTEGER NOT NULL,

    CONSTRAINT enrollment_id          CHECK (length(id) = 16 AND id <> zeroblob(16)),
    CONSTRAINT enrollment_org         CHECK (octet_length(org_id) BETWEEN 1 AND 128),
    CONSTRAINT enrollment_plan        CHECK (length(plan_id) = 16 AND plan_id <> zeroblob(16)),
    CONSTRAINT enrollment_testee      CHECK (octet_length(testee_id) BETWEEN 1 AND 128),
    CONSTRAINT enrollment_round       CHECK (round >= 1),
    CONSTRAINT enrollment_start       CHECK (date(start) IS start AND start >= '0001-01-01'),
    CONSTRAINT enrollment_zone        CHECK (octet_length(zone) BETWEEN 1 AND 64),
    CONSTRAINT enrollment_reconsented CHECK (reconsented IN (0, 1)),
    CONSTRAINT enrollment_status      CHECK (status IN ('active', 'paused', 'closed', 'terminated')),
    CONSTRAINT enrollment_planned     CHECK (planned BETWEEN 0 AND 1000),
    CONSTRAINT enrollment_paused_at   CHECK ((paused_at IS NOT NULL) = (status = 'paused')),
    CONSTRAINT enrollment_shifted     CHECK (shifted_days = 0 OR shifted_days > 0 AND status = 'paused'),
    CONSTRAINT enrollment_ended_at    CHECK ((ended_at IS NOT NULL) = (status IN ('closed', 'terminated'))),
    CONSTRAINT enrollment_end_reason  CHECK ((end_reason IS NOT NULL) = (status = 'terminated') AND
                                             coalesce(end_reason, 'other') IN
                                             ('withdrawn', 'withdrawn_consent', 'lost', 'died', 'other', 'erased')),
    CONSTRAINT enrollment_end_note    CHECK (end_note IS NULL OR status = 'terminated' AND octet_length(end_note) BETWEEN 1 AND 500),
    CONSTRAINT enrollment_version     CHECK (version >= 1)
) STRICT;

-- What a testee may have once in a plan. The third also finds what a new running round would collide with.
CREATE UNIQUE INDEX assessplan_enrollments_round ON assessplan_enrollments (plan_id, testee_id, round);
CREATE UNIQUE INDEX assessplan_enrollments_start ON assessplan_enrollments (plan_id, testee_id, start);
CREATE UNIQUE INDEX assessplan_enrollments_running ON assessplan_enrollments (plan_id, testee_id)
    WHERE status IN ('active', 'paused');
-- Rounds that may be closed, in their order: FindEndedEnrollments.
CREATE INDEX assessplan_enrollments_closable ON assessplan_enrollments (closable_from, id)
    WHERE status IN ('active', 'paused');
-- Rounds of a testee, in their order: FindRounds, EraseTestee, lists of one testee.
CREATE INDEX assessplan_enrollments_testee ON assessplan_enrollments (org_id, testee_id, plan_id, round);
-- Pages of a plan's rounds: ListEnrollments; rounds whose tasks are released with the plan: HoldTasks.
CREATE INDEX assessplan_enrollments_plan ON assessplan_enrollments (plan_id, id);

CREATE TABLE assessplan_tasks (
    id              BLOB    NOT NULL PRIMARY KEY,
    org_id          TEXT    NOT NULL,
    plan_id         BLOB    NOT NULL,
    enrollment_id   BLOB    NOT NULL REFERENCES assessplan_enrollments (id),
    testee_id       TEXT    NOT NULL,
    scale_code      TEXT    NOT NULL,
    seq             INTEGER NOT NULL,

    planned_date    TEXT    NOT NULL,
    planned_time    INTEGER NOT NULL,
    zone            TEXT    NOT NULL,
    planned_at      INTEGER NOT NULL,
    open_until      INTEGER,
    fill_until      INTEGER,
    due_at          INTEGER,
    revision        INTEGER NOT NULL,

    status          TEXT    NOT NULL,
    held            INTEGER NOT NULL,
    next_attempt_at INTEGER,
    attempts        INTEGER NOT NULL,
    last_error      TEXT,

    open_at         INTEGER,
    expire_at       INTEGER,
    entry_serial    INTEGER NOT NULL,
    token_hash      BLOB,

    ended_at        INTEGER,
    end_reason      TEXT,
    submitted_at    INTEGER,
    assessment_id   TEXT,
    late            INTEGER NOT NULL,

    created_at      INTEGER,
    version         INTEGER NOT NULL,

    CONSTRAINT task_id           CHECK (length(id) = 16 AND id <> zeroblob(16)),
    CONSTRAINT task_org          CHECK (octet_length(org_id) BETWEEN 1 AND 128),
    CONSTRAINT task_plan         CHECK (length(plan_id) = 16 AND plan_id <> zeroblob(16)),
    CONSTRAINT task_enrollment   CHECK (length(enrollment_id) = 16 AND enrollment_id <> zeroblob(16)),
    CONSTRAINT task_testee       CHECK (octet_length(testee_id) BETWEEN 1 AND 128),
    CONSTRAINT task_scale        CHECK (octet_length(scale_code) BETWEEN 1 AND 128),
    CONSTRAINT task_seq          CHECK (seq BETWEEN 1 AND 1000),

    CONSTRAINT task_planned_date CHECK (date(planned_date) IS planned_date AND planned_date >= '0001-01-01'),
    CONSTRAINT task_planned_time CHECK (planned_time BETWEEN 0 AND 86399),
    CONSTRAINT task_zone         CHECK (octet_length(zone) BETWEEN 1 AND 64),
    CONSTRAINT task_open_until   CHECK (open_until >= planned_at),
    CONSTRAINT task_fill_until   CHECK (fill_until IS NULL OR fill_until >= planned_at AND coalesce(open_until <= fill_until, 0)),
    CONSTRAINT task_due_at       CHECK (due_at >= planned_at),
    CONSTRAINT task_revision     CHECK (revision >= 1),

    CONSTRAINT task_status       CHECK (status IN ('pending', 'opened', 'completed', 'expired', 'canceled')),
    CONSTRAINT task_held         CHECK (held = 0 OR held = 1 AND status = 'pending'),
    CONSTRAINT task_next_attempt CHECK (CASE WHEN status <> 'pending' THEN next_attempt_at IS NULL
                                             WHEN attempts = 0 THEN next_attempt_at IS planned_at
                                             ELSE coalesce(next_attempt_at >= planned_at, 0) END),
    CONSTRAINT task_attempts     CHECK (attempts >= 0 AND (attempts > 0) = (last_error IS NOT NULL)),

    CONSTRAINT task_open_at      CHECK (CASE status WHEN 'pending' THEN open_at IS NULL
                                                    WHEN 'opened' THEN open_at IS NOT NULL
                                                    WHEN 'completed' THEN open_at IS NOT NULL
                                                    ELSE 1 END
                                        AND (open_at IS NULL OR open_at >= planned_at AND entry_serial >= 1 AND attempts = 0)),
    CONSTRAINT task_expire_at    CHECK ((expire_at IS NULL) = (open_at IS NULL) AND coalesce(expire_at > open_at, 1)
                                        AND coalesce(expire_at <= fill_until, 1)),
    CONSTRAINT task_entry_serial CHECK (entry_serial >= 0),
    CONSTRAINT task_token_hash   CHECK (CASE WHEN token_hash IS NULL THEN status <> 'opened'
                                             ELSE length(token_hash) = 32 AND open_at IS NOT NULL END),

    CONSTRAINT task_ended_at     CHECK ((ended_at IS NOT NULL) = (status IN ('completed', 'expired', 'canceled'))
                                        AND coalesce(ended_at >= open_at, 1)),
    CONSTRAINT task_end_reason   CHECK (CASE status
                                            WHEN 'canceled' THEN coalesce(octet_length(end_reason) BETWEEN 1 AND 64, 0)
                                            WHEN 'expired' THEN coalesce(end_reason IN ('missed_window', 'past_at_enrollment'), 0)
                                                                AND open_at IS NULL
                                                                OR coalesce(end_reason IN ('entry_timeout', 'manual'), 0)
                                                                AND open_at IS NOT NULL
                                            ELSE end_reason IS NULL END),
    CONSTRAINT task_submitted_at CHECK (CASE status
                                            WHEN 'completed' THEN coalesce(submitted_at >= open_at - 60000000
                                                                           AND submitted_at < expire_at, 0)
                                            ELSE submitted_at IS NULL END),
    CONSTRAINT task_assessment   CHECK (CASE status
                                            WHEN 'completed' THEN coalesce(octet_length(assessment_id) BETWEEN 1 AND 128, 0)
                                            ELSE assessment_id IS NULL END),
    CONSTRAINT task_late         CHECK (late = coalesce(submitted_at > due_at, 0)),
    CONSTRAINT task_version      CHECK (version >= 1)
) STRICT;

-- A round has a number once: SaveTasks; also the tasks of a round.
CREATE UNIQUE INDEX assessplan_tasks_round ON assessplan_tasks (enrollment_id, seq);
-- An assessment completes one task: SaveTasks.
CREATE UNIQUE INDEX assessplan_tasks_assessment ON assessplan_tasks (org_id, assessment_id) WHERE assessment_id IS NOT NULL;
-- Tasks to open, in their order: FindPendingTasks, OldestDue. What is opened, held or ended is not in it.
CREATE INDEX assessplan_tasks_due ON assessplan_tasks (next_attempt_at, id) WHERE status = 'pending' AND held = 0;
-- Tasks that could not be opened, which may be due later than they were planned: OldestDue.
CREATE INDEX assessplan_tasks_deferred ON assessplan_tasks (planned_at) WHERE status = 'pending' AND held = 0 AND attempts > 0;
-- Tasks whose window closes, in their order: FindOverdueTasks(WindowMissed).
CREATE INDEX assessplan_tasks_missed ON assessplan_tasks (open_until, id)
    WHERE status = 'pending' AND held = 0 AND open_until IS NOT NULL;
-- Tasks whose entry ends, in their order: FindOverdueTasks(EntryOver).
CREATE INDEX assessplan_tasks_expiring ON assessplan_tasks (expire_at, id) WHERE status = 'opened';
-- Pages of a plan's tasks: ListTasks, HoldTasks.
CREATE INDEX assessplan_tasks_plan ON assessplan_tasks (plan_id, id);

CREATE TABLE assessplan_outbox (
    position     INTEGER PRIMARY KEY AUTOINCREMENT, -- the order in which events were stored; a number is never used again
    event_id     BLOB    NOT NULL UNIQUE,
    type         TEXT    NOT NULL,
    org_id       TEXT    NOT NULL,
    subject      BLOB    NOT NULL,
    version      INTEGER NOT NULL,
    time         INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,
    available_at INTEGER NOT NULL, -- ready: from when; leased: until when
    parked       INTEGER NOT NULL,
    last_error   TEXT,
    data         BLOB    NOT NULL, -- last, so that what is passed over is not read

    CONSTRAINT outbox_ids      CHECK (length(event_id) = 16 AND length(subject) = 16),
    CONSTRAINT outbox_attempts CHECK (attempts >= 0),
    CONSTRAINT outbox_parked   CHECK (parked IN (0, 1))
) STRICT;

-- The events of a subject, in their order: only the oldest may be claimed; EraseTestee.
CREATE INDEX assessplan_outbox_subject ON assessplan_outbox (subject, position);
-- Events that may be claimed, in their order, with all that says whether one is passed over and how old they are:
-- ClaimEvents, OutboxStats. It is a fraction of the table, whose rows hold the payload.
CREATE INDEX assessplan_outbox_unparked ON assessplan_outbox (position, available_at, subject, time) WHERE parked = 0;
-- Parked events, in their order: ListParkedEvents, OutboxStats.
CREATE INDEX assessplan_outbox_parked ON assessplan_outbox (position) WHERE parked = 1;

-- +goose Down

DROP TABLE assessplan_outbox;
DROP TABLE assessplan_tasks;
DROP TABLE assessplan_enrollments;
DROP TABLE assessplan_plans;
