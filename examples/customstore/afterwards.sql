-- When nobody wants to go back: what only the old release read, first of all the tokens in clear.

ALTER TABLE assessment_plan
    DROP COLUMN trigger_interval,
    DROP COLUMN total_times;

ALTER TABLE assessment_task
    DROP COLUMN entry_token,
    DROP COLUMN entry_url,
    DROP KEY idx_plan_testee,
    DROP KEY idx_status_planned;
