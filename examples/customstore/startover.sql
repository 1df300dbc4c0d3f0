-- Forgets every import, so that the old release can have the tables, and a later import begins anew. What the library stored
-- in the host's own columns stays.

UPDATE assessment_task SET version = 0, uid = NULL, plan_uid = NULL, enrollment_id = NULL;
UPDATE assessment_plan SET version = 0, uid = NULL;
DELETE FROM assessment_enrollment;
DELETE FROM assessment_outbox;
