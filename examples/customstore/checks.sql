-- Before the migration: each of these finds what it would stumble over, and should find nothing.

-- References that the old collation takes for one, and that will be two: T-1001 and t-1001.
SELECT org_id FROM assessment_plan GROUP BY org_id HAVING COUNT(DISTINCT CAST(org_id AS BINARY)) > 1;
SELECT org_id, testee_id FROM assessment_task GROUP BY org_id, testee_id
HAVING COUNT(DISTINCT CAST(org_id AS BINARY), CAST(testee_id AS BINARY)) > 1;

-- Assessments that complete two tasks: they stand against the new unique key.
SELECT org_id, assessment_id FROM assessment_task WHERE assessment_id IS NOT NULL
GROUP BY org_id, assessment_id HAVING COUNT(*) > 1;

-- Tasks of one number in what will be one round: they are refused by the import.
SELECT plan_id, testee_id, seq FROM assessment_task GROUP BY plan_id, testee_id, seq HAVING COUNT(*) > 1;
